/*
 * Where a player's token is kept, so that who comes back is the same player. A token is worth a
 * password: whoever shows it is that player.
 */

/** Kept by the browser for this page's origin; where there is no storage, for this page only. */
export function kept(router) {
  const key = `clientmigration:${router}`;
  let here = "";
  return {
    load() {
      try {
        return globalThis.localStorage?.getItem(key) ?? here;
      } catch {
        return here; // storage is forbidden on this page
      }
    },
    save(token) {
      here = token;
      try {
        globalThis.localStorage?.setItem(key, token);
      } catch {
        // forbidden, or full: then for this page only
      }
    },
  };
}

/** Kept for this player only, as long as it is there. */
export function here() {
  let token = "";
  return { load: () => token, save: (newest) => (token = newest) };
}
