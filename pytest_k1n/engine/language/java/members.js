// What of JavaScript looks at an object's members: of Java's objects (view.js) it sees the methods.
(function ({members}) {
  const {fromEntries, defineProperty, getOwnPropertyDescriptor} = Object;
  const replace = (holder, name, make) => {
    defineProperty(holder, name, {...getOwnPropertyDescriptor(holder, name), value: make(holder[name])});
  };
  replace(Object, "keys", (own) => (value) => members(value) || own(value));
  replace(Object, "getOwnPropertyNames", (own) => (value) => members(value) || own(value));
  replace(Reflect, "ownKeys", (own) => (value) => members(value) || own(value));
  replace(Object, "values", (own) => (value) => members(value)?.map((name) => value[name]) || own(value));
  replace(Object, "entries", (own) => (value) => members(value)?.map((name) => [name, value[name]]) || own(value));
  const copied = (value) => (members(value) ? fromEntries(members(value).map((name) => [name, value[name]])) : value);
  replace(Object, "assign", (own) => (target, ...from) => own(target, ...from.map(copied)));
  replace(Object, "hasOwn", (own) => (value, name) => (members(value) ? name in value : own(value, name)));
  replace(Object.prototype, "hasOwnProperty", (own) => function hasOwnProperty(name) {
    return members(this) ? name in this : own.call(this, name);
  });
  replace(Object, "isExtensible", (own) => (value) => !members(value) && own(value));
})($java)
