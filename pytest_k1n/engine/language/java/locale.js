// Numbers and dates in words, as GraalJS writes them on a server in English and UTC; QuickJS knows no locales.
(function () {
  const {getPrototypeOf, defineProperty} = Object, isFinite = Number.isFinite;
  const isEnglish = (locale) => locale === undefined || locale === "en" || locale === "en-US";
  const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");
  function put(proto, name, make) {
    const plain = proto[name];
    defineProperty(proto, name, {value: make(plain), writable: true, configurable: true, enumerable: false});
  }

  // ---- numbers

  function digits(value) {  // of the shortest text that means it, as ICU rounds that
    const [mantissa, exponent] = String(value).split("e"), [whole, part = ""] = mantissa.split(".");
    const shift = Number(exponent || 0);
    if (shift >= 0) return [whole + part.slice(0, shift).padEnd(shift, "0"), part.slice(shift)];
    return ["0", "0".repeat(-shift - 1) + whole + part];
  }
  function rounded(value, least, most) {
    const [whole, part] = digits(value);
    let kept = BigInt(whole + part.slice(0, most).padEnd(most, "0"));
    if (part[most] >= "5") kept += 1n;
    const all = String(kept).padStart(most + 1, "0"), end = all.length - most;
    const fraction = all.slice(end).replace(/0+$/, "").padEnd(least, "0");
    return [all.slice(0, end), fraction];
  }
  function written(value, options) {
    const isMoney = options.style === "currency", isShare = options.style === "percent";
    const usual = isMoney ? 2 : isShare ? 0 : 3, few = isMoney ? 2 : 0;
    const least = options.minimumFractionDigits ?? Math.min(few, options.maximumFractionDigits ?? few);
    const most = options.maximumFractionDigits ?? Math.max(least, usual);
    const isBelow = value < 0 || Object.is(value, -0), size = Math.abs(value) * (isShare ? 100 : 1);
    const [whole, part] = isFinite(size) ? rounded(size, least, most) : ["\u221e", ""];
    const text = (options.useGrouping === false ? whole : grouped(whole)) + (part && "." + part);
    return (isBelow ? "-" : "") + (isMoney ? "$" : "") + text + (isShare ? "%" : "");
  }
  const KNOWN = new Set(["style", "currency", "minimumFractionDigits", "maximumFractionDigits", "useGrouping"]);
  const isWritable = (options) => Object.keys(options).every((name) => KNOWN.has(name))
    && ["decimal", "percent", "currency", undefined].includes(options.style)
    && (options.style !== "currency" || options.currency === "USD");
  put(Number.prototype, "toLocaleString", (plain) => function toLocaleString(locale, options = {}) {
    const value = Number(this);
    if (value !== value) return "NaN";
    return isEnglish(locale) && isWritable(options) ? written(value, options) : plain.call(this);
  });
  put(getPrototypeOf(1n), "toLocaleString", (plain) => function toLocaleString(locale) {
    const text = plain.call(this);
    return isEnglish(locale) ? text.replace(/\d+/, grouped) : text;
  });

  // ---- dates

  const two = (number) => String(number).padStart(2, "0");
  const day = (date) => `${date.getMonth() + 1}/${date.getDate()}/${date.getFullYear()}`;
  const time = (date) => `${date.getHours() % 12 || 12}:${two(date.getMinutes())}:${two(date.getSeconds())}`
    + "\u202f" + (date.getHours() < 12 ? "AM" : "PM");
  const asWritten = (write) => (plain) => function (locale, options) {
    return isNaN(this) || !isEnglish(locale) || options !== undefined ? plain.call(this) : write(this);
  };
  put(Date.prototype, "toLocaleDateString", asWritten(day));
  put(Date.prototype, "toLocaleTimeString", asWritten(time));
  put(Date.prototype, "toLocaleString", asWritten((date) => `${day(date)}, ${time(date)}`));
  for (const name of ["toString", "toTimeString"])
    put(Date.prototype, name, (plain) => function () {
      const text = plain.call(this);
      return text.endsWith("GMT+0000") ? text + " (GMT)" : text;
    });
})();
