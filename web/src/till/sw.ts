/// <reference lib="webworker" />
/**
 * Keeps the till itself on the device, so that it opens with no network. It never touches what goes to the API: what is sold
 * lives in IndexedDB. Invariant: a new version waits until every window of the old one was closed or asked for it, so no
 * half-finished sale is reloaded away.
 */
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from "workbox-precaching";

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: { url: string; revision: string | null }[] };

cleanupOutdatedCaches();
precacheAndRoute(self.__WB_MANIFEST, { cleanURLs: false });

const page = createHandlerBoundToURL("/till/index.html");

self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && new URL(event.request.url).pathname === "/till/") {
    event.respondWith(page({ event, request: event.request, url: new URL(event.request.url) }));
  }
});

self.addEventListener("message", (event) => {
  if (event.data === "take-over") void self.skipWaiting();
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
