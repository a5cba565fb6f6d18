// Shows a script's bindings as GraalJS shows Java's maps and lists, which is what Conductor binds to `$`: their methods
// (`$.items.size()`) beside JavaScript's, and none of their keys to `Object.keys`, `JSON.stringify` and `in`. Asked of
// Conductor 3.32.1 one expression at a time. What a script has made itself stays JavaScript's, also inside of them.
// The methods are in a file of their own, which is compiled when the first one is looked up: most scripts call none.
(function () {
  const {parse} = JSON, {isArray, prototype: ArrayMembers} = Array, {defineProperty} = Object, run = eval, JsMap = Map;
  const {keys, fromEntries, getOwnPropertyDescriptor: getDescriptor} = Object, later = globalThis.$methods;
  const owns = Function.prototype.call.bind(Object.prototype.hasOwnProperty);
  const ITERATOR = Symbol.iterator, PRIMITIVE = Symbol.toPrimitive;
  const raws = new WeakMap(), views = new WeakMap(), kinds = new WeakMap(), owners = new WeakMap();
  const made = new WeakSet(), hosts = new WeakSet(), lines = new WeakMap();
  delete globalThis.$methods;
  const MEMBERS = {
    LinkedHashMap:
      "get values clear replaceAll entrySet forEach keySet containsValue getOrDefault reversed sequencedKeySet " +
      "sequencedValues sequencedEntrySet putFirst putLast remove size put clone isEmpty replace merge putAll " +
      "putIfAbsent compute computeIfAbsent containsKey computeIfPresent equals toString hashCode firstEntry " +
      "lastEntry pollFirstEntry pollLastEntry",
    ArrayList:
      "remove size get equals hashCode clone sort indexOf clear lastIndexOf isEmpty replaceAll add subList " +
      "toArray iterator contains spliterator addAll trimToSize set forEach ensureCapacity removeIf getFirst " +
      "getLast addFirst addLast removeFirst removeLast removeAll retainAll listIterator toString containsAll " +
      "stream parallelStream reversed",
    Entry: "getValue getKey setValue",
    Collection:
      "equals hashCode removeAll remove size toString clear isEmpty add toArray iterator contains addAll " +
      "retainAll containsAll stream spliterator removeIf parallelStream forEach reversed getFirst getLast " +
      "addFirst addLast removeFirst removeLast",
  };
  const known = {};
  const membersOf = (kind) => known[kind] || (known[kind] = new Set((MEMBERS[kind] || MEMBERS.Collection).split(" ")));
  const has = (kind, name) => membersOf(kind).has(name);


  // ---- values on their way out of a Java container and into one

  const isJava = (value) => typeof value === "object" && value !== null && !made.has(value);
  const view = (value) => (isJava(value) ? views.get(value) || show(value) : value);
  const show = (value) =>
    isArray(value) ? proxy(value, "ArrayList", listTraps) : proxy(value, "LinkedHashMap", mapTraps);
  function proxy(value, kind, traps) {
    const shown = new Proxy(value, traps);
    views.set(value, shown); raws.set(shown, value); kinds.set(shown, kind);
    return shown;
  }
  function keep(value) {
    const raw = raws.get(value);
    if (raw !== undefined) return raw;
    if (typeof value === "object" && value !== null) made.add(value);
    return value;
  }
  function text(value) {
    if (!isJava(value)) return value === undefined ? "null" : String(value);
    if (owners.has(value)) return text(value[0]) + "=" + text(value[1]);
    if (isArray(value)) return "[" + value.map(text).join(", ") + "]";
    return "{" + keys(value).map((key) => key + "=" + text(value[key])).join(", ") + "}";
  }

  // ---- what a script can look up

  let methods;
  const method = (kind, target, name) => (methods = methods || run(later)(java)).bound(kind, target, name);
  const index = (key) => (typeof key === "string" && /^(0|[1-9]\d*)$/.test(key) ? Number(key) : -1);
  const primitive = (target) => (hint) => (hint === "number" ? NaN : text(target));
  const common = (kind) => ({
    has: (target, key) => has(kind, key) || kind !== "LinkedHashMap" && owns(target, key),
    getOwnPropertyDescriptor: (target, key) => {
      const found = getDescriptor(target, key);
      return found && found.configurable ? {...found, value: view(found.value)} : found;
    },
  });
  const listTraps = {
    ...common("ArrayList"),
    get(target, key) {
      if (index(key) >= 0) return view(target[key]);
      if (key === PRIMITIVE) return primitive(target);
      if (key === "length") return target.length;
      if (key === "hasOwnProperty") return (name) => name in views.get(target);
      return has("ArrayList", key) ? method("ArrayList", target, key) : ArrayMembers[key];
    },
    set(target, key, value) {
      if (key === "length") target.length = value;
      else if (index(key) >= 0 && index(key) <= target.length) target[key] = keep(value);
      return true;
    },
    deleteProperty: () => true,
  };

  const entry = (own, key) => {
    const pair = [key, own[key]];
    const shown = proxy(pair, "Entry", entryTraps);
    owners.set(pair, own);
    return shown;
  };
  const entries = (own) => keys(own).map((key) => entry(own, key));
  const entryTraps = {
    ...common("Entry"),
    get(target, key) {
      if (index(key) >= 0) return view(target[key]);
      if (key === PRIMITIVE) return primitive(target);
      if (key === "length") return target.length;
      if (key === "toString") return () => text(target);
      return has("Entry", key) ? method("Entry", target, key) : ArrayMembers[key];
    },
    set: () => true,
  };
  const mapTraps = {
    ...common("LinkedHashMap"),
    get(target, key) {
      if (owns(target, key)) return view(target[key]);
      if (key === ITERATOR) return () => entries(target)[ITERATOR]();
      if (key === PRIMITIVE) return primitive(target);
      if (has("LinkedHashMap", key)) return method("LinkedHashMap", target, key);
      switch (key) {
        case "constructor": return JsMap;
        case "hasOwnProperty": return (name) => has("LinkedHashMap", name);
        case "toJSON": return () => ({});
        case "toLocaleString": return () => text(target);
        case "valueOf": return () => view(target);
        case "has": case "delete": case "set": case "keys": case "entries": return method("Map", target, key);
      }
    },
    set: (target, key, value) => ((target[key] = keep(value)), true),
    getPrototypeOf: () => JsMap.prototype,
  };
  const java = {view, keep, text, proxy, has, entries, isJava, raws, kinds, owners, hosts, lines};

  // ---- for the process that runs scripts

  defineProperty(globalThis, "$java", {value: {
    bind: (document) => view(parse(document)),
    /** What a value is in a result: of a collection that is no list the methods, as GraalJS tells the server. */
    raw(value) {
      const found = raws.get(value);
      if (found !== undefined) return found;
      return kinds.has(value) ? fromEntries([...membersOf(kinds.get(value))].map((name) => [name, {}])) : value;
    },
    /** The members that `Object.keys` lists; undefined for what is JavaScript's own. */
    members(value) {
      const kind = kinds.get(value), raw = raws.get(value);
      return kind && [...(isArray(raw) ? keys(raw) : []), ...membersOf(kind)];
    },
    isHost: (error) => hosts.has(error),
    /** Where the script called what threw this error; undefined for one that it threw itself. */
    line: (error) => lines.get(error),
  }});
})()
