/** Installs the service worker, and lets a person choose when a new version starts: never in the middle of a sale. */

export const update = $state({ isReady: false });
let waiting: ServiceWorker | null = null;

export async function keepOnDevice(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register("/till/sw.js", { scope: "/till/" });
  const offer = (worker: ServiceWorker | null): void => {
    if (!worker || !navigator.serviceWorker.controller) return;
    waiting = worker;
    update.isReady = true;
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming?.addEventListener("statechange", () => {
      if (coming.state === "installed") offer(coming);
    });
  });
}

/** Start the new version: what is on the counter and in the queue is in the store, and is found again. */
export function takeOver(): void {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  waiting?.postMessage("take-over");
}
