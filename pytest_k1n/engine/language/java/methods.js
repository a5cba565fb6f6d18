// The methods of Java's collections that a script may call on what it was given (view.js shows them to it).
(function (java) {
  const {view, keep, text, proxy, has, entries, isJava, raws, kinds, owners, hosts, lines} = java;
  const {isArray} = Array, {keys, fromEntries} = Object, ITERATOR = Symbol.iterator, PRIMITIVE = Symbol.toPrimitive;
  const owns = Function.prototype.call.bind(Object.prototype.hasOwnProperty), JsTypeError = TypeError, JsError = Error;
  const TEXT = "com.oracle.truffle.api.strings.TruffleString";
  const list = (items) => view([...items]);
  function isEqual(one, other) {
    one = raws.get(one) || one; other = raws.get(other) || other;
    if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
    const names = keys(one);
    return isArray(one) === isArray(other) && names.length === keys(other).length
      && names.every((name) => owns(other, name) && isEqual(one[name], other[name]));
  }

  // ---- errors as Java's

  function refused(kind, name, why) {
    const of = kind === "ArrayList" || kind === "LinkedHashMap" ? kind : "LinkedHashMap$" + kind;
    return placed(new JsTypeError(`invokeMember (${name}) on java.util.${of} failed due to: ${why}`));
  }
  function placed(error) {
    lines.set(error, (/at \$java \([^\n]*\n[^\n]*<input>:(\d+)/.exec(error.stack) || [])[1]);
    return error;
  }
  function thrown(kind, message) {
    const error = new JsError(message);
    error.name = "java.lang." + kind;
    error.getMessage = () => message;
    hosts.add(error);
    return error;
  }
  function at(items, index, kind, name, end = items.length) {
    if (typeof index !== "number" || !Number.isInteger(index)) {
      const type = typeof index === "number" ? "java.lang.Double" : TEXT;
      throw refused(kind, name, `Cannot convert '${index}'(language: Java, type: ${type}) to Java type 'int': `
        + "Invalid or lossy primitive coercion.");
    }
    if (index < 0 || index >= end)
      throw thrown("IndexOutOfBoundsException", `Index ${index} out of bounds for length ${items.length}`);
    return index;
  }
  const METHODS = () => ({ArrayList: listMethods, Entry: entryMethods, LinkedHashMap: mapMethods, Map: asMap});
  function bound(kind, target, name, methods = METHODS()[kind]) {
    const [least, most, method] = methods[name] || [0, 9, () => {
      throw placed(new JsTypeError(`the embedded engine has no java.util.${kind}.${name}`));
    }];
    return function $java(...given) {
      const count = given.length;
      const expected = least === most ? least : `${least}-${most}`;
      if (count < least || count > most)
        throw refused(kind, name, `Arity error - expected: ${expected} actual: ${count}`);
      const value = method(target, ...given);
      return value;  // no tail call: the frame says where the script called
    };
  }

  // ---- what all collections have; `items` is an array of their elements as they are kept

  const first = (items) => {
    if (!items.length) throw thrown("NoSuchElementException", null);
    return view(items[0]);
  };
  const compared = (by) => (one, other) => {
    if (by) return by(view(one), view(other));
    if (isJava(one)) {
      const [own, wanted] = ["java.util." + (isArray(one) ? "ArrayList" : "LinkedHashMap"), "java.lang.Comparable"];
      throw thrown("ClassCastException", `class ${own} cannot be cast to class ${wanted} `
        + `(${own} and ${wanted} are in module java.base of loader 'bootstrap')`);
    }
    return one < other ? -1 : one > other ? 1 : 0;
  };
  const each = (items, f) => items.forEach((item) => { f(view(item)); });
  const iterator = (items) => {
    let next = 0;
    return {hasNext: () => next < items.length, next: () => first(items.slice(next++))};
  };
  const optional = (items) => ({
    get: () => first(items), isPresent: () => items.length > 0, isEmpty: () => !items.length,
    orElse: (other) => (items.length ? view(items[0]) : other),
  });
  const stream = (items) => ({
    map: (f) => stream(items.map((item) => keep(f(view(item))))),
    filter: (f) => stream(items.filter((item) => f(view(item)))),
    sorted: (by) => stream([...items].sort(compared(by))), limit: (count) => stream(items.slice(0, count)),
    distinct: () => stream(items.filter((item, place) => !items.slice(0, place).some((other) => isEqual(item, other)))),
    skip: (count) => stream(items.slice(count)),
    mapToInt: (f) => numbers(items.map((item) => f(view(item)))),
    mapToLong: (f) => numbers(items.map((item) => f(view(item)))),
    mapToDouble: (f) => numbers(items.map((item) => f(view(item)))),
    count: () => items.length, toList: () => list(items), toArray: () => items.map(view),
    forEach: (f) => each(items, f),
    anyMatch: (f) => items.some((item) => f(view(item))), allMatch: (f) => items.every((item) => f(view(item))),
    noneMatch: (f) => !items.some((item) => f(view(item))), findFirst: () => optional(items.slice(0, 1)),
    findAny: () => optional(items.slice(0, 1)), iterator: () => iterator(items),
    reduce: (...given) => {
      const f = given.pop(), all = [...given.map(keep), ...items];
      const end = all.length ? [all.map(view).reduce((one, other) => f(one, other))] : [];
      return given.length ? end[0] : optional(end.map(keep));
    },
  });
  const numbers = (items) => ({
    ...stream(items), sum: () => items.reduce((one, other) => one + other, 0),
    max: () => optional(items.length ? [Math.max(...items)] : []),
    min: () => optional(items.length ? [Math.min(...items)] : []),
    average: () => optional(items.length ? [items.reduce((one, other) => one + other, 0) / items.length] : []),
  });
  const shared = (of) => ({
    __proto__: null,
    size: [0, 0, (own) => of(own).length], isEmpty: [0, 0, (own) => !of(own).length],
    contains: [1, 1, (own, item) => of(own).some((other) => isEqual(item, other))],
    containsAll: [1, 1, (own, items) => [...items].every((item) => of(own).some((other) => isEqual(item, other)))],
    toArray: [0, 1, (own) => of(own).map(view)], iterator: [0, 0, (own) => iterator(of(own))],
    stream: [0, 0, (own) => stream(of(own))], forEach: [1, 1, (own, f) => each(of(own), f)],
    getFirst: [0, 0, (own) => first(of(own))], getLast: [0, 0, (own) => first(of(own).slice(-1))],
  });

  // ---- java.util.ArrayList

  const listMethods = {
    ...shared((own) => own), __proto__: null,
    get: [1, 1, (own, index) => view(own[at(own, index, "ArrayList", "get")])],
    set: [2, 2, (own, index, item) => view(own.splice(at(own, index, "ArrayList", "set"), 1, keep(item))[0])],
    add: [1, 2, (own, ...given) => {
      const item = keep(given.pop());
      if (!given.length) return own.push(item) > 0;
      own.splice(at(own, given[0], "ArrayList", "add", own.length + 1), 0, item);
    }],
    addAll: [1, 2, (own, ...given) => {
      const items = [...given.pop()].map(keep);
      own.splice(given.length ? at(own, given[0], "ArrayList", "addAll", own.length + 1) : own.length, 0, ...items);
      return items.length > 0;
    }],
    addFirst: [1, 1, (own, item) => { own.unshift(keep(item)); }],
    addLast: [1, 1, (own, item) => { own.push(keep(item)); }],
    removeFirst: [0, 0, (own) => { const item = first(own); own.shift(); return item; }],
    removeLast: [0, 0, (own) => { const item = first(own.slice(-1)); own.pop(); return item; }],
    remove: [1, 1, (own, item) => {
      if (typeof item === "number") return view(own.splice(at(own, item, "ArrayList", "remove"), 1)[0]);
      const place = own.findIndex((other) => isEqual(item, other));
      return place >= 0 && own.splice(place, 1).length > 0;
    }],
    removeIf: [1, 1, (own, f) => dropped(own, (item) => f(view(item)))],
    removeAll: [1, 1, (own, items) => dropped(own, (item) => [...items].some((other) => isEqual(item, other)))],
    retainAll: [1, 1, (own, items) => dropped(own, (item) => ![...items].some((other) => isEqual(item, other)))],
    clear: [0, 0, (own) => { own.length = 0; }],
    indexOf: [1, 1, (own, item) => own.findIndex((other) => isEqual(item, other))],
    lastIndexOf: [1, 1, (own, item) => own.findLastIndex((other) => isEqual(item, other))],
    sort: [1, 1, (own, by) => {
      if (typeof by !== "function" && by !== null && by !== undefined)
        throw refused("ArrayList", "sort", `Cannot convert '${by}'(language: Java, type: ${TEXT}) `
          + "to Java type 'java.util.Comparator': Unsupported target type.");
      own.sort(compared(by));
    }],
    replaceAll: [1, 1, (own, f) => { own.forEach((item, place) => { own[place] = keep(f(view(item))); }); }],
    subList: [2, 2, (own, begin, end) => list(own.slice(begin, end))],
    reversed: [0, 0, (own) => list([...own].reverse())],
    clone: [0, 0, (own) => list(own)], equals: [1, 1, isEqual], toString: [0, 0, text],
    ensureCapacity: [1, 1, () => {}], trimToSize: [0, 0, () => {}],
  };
  function dropped(own, isDropped) {
    const kept = own.filter((item) => !isDropped(item)), count = own.length;
    own.splice(0, count, ...kept);
    return kept.length < count;
  }
  // ---- java.util.LinkedHashMap, its entries and views

  const entryMethods = {
    __proto__: null, getKey: [0, 0, (own) => own[0]], getValue: [0, 0, (own) => view(own[1])],
    setValue: [1, 1, (own, value) => {
      const before = view(own[1]);
      own[1] = owners.get(own)[own[0]] = keep(value);
      return before;
    }],
  };
  const take = (own, key) => {
    const before = owns(own, key) ? view(own[key]) : null;
    delete own[key];
    return before;
  };
  const put = (own, key, value) => {
    const before = owns(own, key) ? view(own[key]) : null;
    own[key] = keep(value);
    return before;
  };
  const worked = (own, key, value) => {
    if (value === null || value === undefined) return take(own, key), null;
    put(own, key, value);
    return value;
  };
  const knows = (own, key) => typeof key === "string" && owns(own, key);
  const valueOf = (own, key) => (knows(own, key) ? view(own[key]) : null);
  const mapMethods = {
    __proto__: null,
    get: [1, 1, valueOf],
    getOrDefault: [2, 2, (own, key, other) => (knows(own, key) ? view(own[key]) : other)],
    put: [2, 2, put], remove: [1, 1, take], containsKey: [1, 1, knows],
    putIfAbsent: [2, 2, (own, key, value) => valueOf(own, key) ?? put(own, key, value)],
    containsValue: [1, 1, (own, value) => keys(own).some((key) => isEqual(value, own[key]))],
    putAll: [1, 1, (own, other) => { keys(raws.get(other) || other).forEach((key) => put(own, key, other[key])); }],
    size: [0, 0, (own) => keys(own).length], isEmpty: [0, 0, (own) => !keys(own).length],
    clear: [0, 0, (own) => { keys(own).forEach((key) => { delete own[key]; }); }],
    keySet: [0, 0, (own) => collection("LinkedKeySet", own, keys)],
    values: [0, 0, (own) => collection("LinkedValues", own, (all) => keys(all).map((key) => all[key]))],
    entrySet: [0, 0, (own) => collection("LinkedEntrySet", own, (all) => entries(all).map((each) => raws.get(each)))],
    forEach: [1, 1, (own, f) => { keys(own).forEach((key) => { f(key, view(own[key])); }); }],
    replace: [2, 2, (own, key, value) => (knows(own, key) ? put(own, key, value) : null)],
    replaceAll: [1, 1, (own, f) => { keys(own).forEach((key) => put(own, key, f(key, view(own[key])))); }],
    compute: [2, 2, (own, key, f) => worked(own, key, f(key, valueOf(own, key)))],
    computeIfAbsent: [2, 2, (own, key, f) => valueOf(own, key) ?? worked(own, key, f(key))],
    computeIfPresent: [2, 2, (own, key, f) => {
      const before = valueOf(own, key);
      return before === null ? null : worked(own, key, f(key, before));
    }],
    merge: [3, 3, (own, key, value, f) => {
      const before = valueOf(own, key);
      return worked(own, key, before === null ? value : f(before, value));
    }],
    clone: [0, 0, (own) => view({...own})], equals: [1, 1, isEqual], toString: [0, 0, text],
    firstEntry: [0, 0, (own) => entries(own)[0] || null], lastEntry: [0, 0, (own) => entries(own).at(-1) || null],
    reversed: [0, 0, (own) => view(fromEntries(keys(own).reverse().map((key) => [key, own[key]])))],
  };
  const asMap = {
    __proto__: null, has: [0, 9, knows], delete: [0, 9, (own, key) => knows(own, key) && delete own[key]],
    set: [0, 9, (own, key, value) => (put(own, key, value), view(own))], keys: [0, 9, (own) => keys(own)[ITERATOR]()],
    entries: [0, 9, (own) => entries(own)[ITERATOR]()],
  };
  const dropFromMap = (own, isDropped) => {
    const names = keys(own).filter(isDropped);
    names.forEach((name) => { delete own[name]; });
    return names.length > 0;
  };
  function collection(kind, own, of) {
    const items = () => of(own), place = (key) => items()[keys(own).indexOf(key)];
    const methods = {
      ...shared(items), __proto__: null, toString: [0, 0, () => text(items())],
      clear: [0, 0, () => { dropFromMap(own, () => true); }],
      removeIf: [1, 1, (_, f) => dropFromMap(own, (key) => f(view(place(key))))],
      remove: [1, 1, (_, item) => {
        const name = keys(own).find((key) => isEqual(item, place(key)));
        return name !== undefined && delete own[name];
      }],
      removeAll: [1, 1, (_, out) => dropFromMap(own, (key) => [...out].some((item) => isEqual(item, place(key))))],
      retainAll: [1, 1, (_, kept) => dropFromMap(own, (key) => ![...kept].some((item) => isEqual(item, place(key))))],
    };
    const shown = new Proxy({}, {
      get(_, key) {
        if (key === ITERATOR) return () => items().map(view)[ITERATOR]();
        if (key === PRIMITIVE) return (hint) => (hint === "number" ? NaN : text(items()));
        return has(kind, key) ? bound(kind, own, key, methods) : key === "toJSON" ? () => ({}) : undefined;
      },
      has: (_, key) => has(kind, key),
    });
    kinds.set(shown, kind);
    return shown;
  }

  return {bound};
})
