// The event stream, kept open while somebody looks, and how long it has been silent.

const SILENT_MS = 4000;

/** Follows the stream at `url`. `heard` has a function for each of status, world and moves, and
 *  `silent`, which is called once when nothing has come for four seconds. */
export function follow(url, heard) {
  let source = null;
  let timer = 0;
  let again = 0;
  const quiet = () => heard.silent();
  const alive = () => { clearTimeout(timer); timer = setTimeout(quiet, SILENT_MS); };

  function open() {
    close();
    source = new EventSource(url);
    alive();
    for (const name of ["status", "world", "moves"]) {
      source.addEventListener(name, (event) => {
        alive();
        heard[name]?.(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      // A refused stream is not tried again by the browser itself.
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, 3000 + Math.random() * 2000);
    });
  }
  function close() {
    clearTimeout(timer);
    clearTimeout(again);
    source?.close();
    source = null;
  }
  // A hidden page gives its place to somebody else: browsers allow six connections to one host.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  if (!document.hidden) open();
}
