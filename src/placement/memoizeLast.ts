/** Caches the result for the last argument: for results that are expensive and rarely change. */
export function memoizeLast<Of extends object, Made>(make: (of: Of) => Made): (of: Of) => Made {
  let last: { readonly of: Of; readonly made: Made } | undefined;
  return (of) => {
    if (last?.of !== of) last = { of, made: make(of) };
    return last.made;
  };
}
