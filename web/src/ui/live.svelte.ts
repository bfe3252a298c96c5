/** What the store says now, and again whenever it changes, in this tab or in another. */
import { liveQuery } from "dexie";

/** A value of the store that lives as long as the app does. */
export class Live<Value> {
  current = $state.raw<Value>(undefined as Value);
  /** The store has answered at least once. */
  isLoaded = $state(false);

  constructor(query: () => Promise<Value>, initial: Value) {
    this.current = initial;
    liveQuery(query).subscribe((value) => {
      this.current = value;
      this.isLoaded = true;
    });
  }
}

/** A value of the store for one component: asked anew when what the query reads changes, ended with the component. */
export function liveIn<Value>(query: () => Promise<Value>, initial: Value): { readonly current: Value } {
  let value = $state.raw(initial);
  $effect(() => {
    const asked = liveQuery(query).subscribe((found) => {
      value = found;
    });
    return () => asked.unsubscribe();
  });
  return {
    get current() {
      return value;
    },
  };
}
