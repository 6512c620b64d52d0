/*
 * Keeps parts of a page live without reloading it.
 *
 * An element with data-live="fetch" (or "completeness study") and data-live-source="/address" is asked for
 * again when such an event comes; each child with data-part is replaced only when the server's text for it
 * has changed, so that a form that somebody fills in is left alone.
 */
import { initAll } from '/assets/nhsuk-frontend.js';

document.body.classList.add('js-enabled', 'nhsuk-frontend-supported');
initAll();

for (const image of document.querySelectorAll('[data-thumbnail]')) {
  if (image.complete && image.naturalWidth === 0) void explain(image);
  image.addEventListener('error', () => void explain(image));
}

/** A series without pixels has no image; a source that does not answer is named. */
async function explain(image) {
  image.hidden = true;
  const answer = await fetch(image.src).catch(() => undefined);
  const note = image.closest('section')?.querySelector('[data-thumbnail-note]');
  if (answer === undefined || answer.status < 500 || !note) return;
  const { detail } = await answer.json().catch(() => ({}));
  note.textContent = detail ?? 'The images can not be shown just now.';
  note.hidden = false;
}

const PAUSE_MS = 400;

for (const live of document.querySelectorAll('[data-live]')) keepLive(live);

function keepLive(live) {
  const shown = new Map();
  let waiting = false;
  let again = false;
  let source;

  async function refresh() {
    if (waiting) {
      again = true;
      return;
    }
    waiting = true;
    again = false;
    try {
      const answer = await fetch(live.dataset.liveSource, {
        headers: { accept: 'text/html' },
        redirect: 'error',
      });
      if (answer.ok) show(await answer.text());
      else if (answer.status === 401) location.reload();
    } catch {
      // The next event, or the stream's own reconnection, asks again.
    }
    setTimeout(
      () => {
        waiting = false;
        if (again) void refresh();
      },
      Number(live.dataset.livePause ?? PAUSE_MS),
    );
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    for (const part of fresh.querySelectorAll('[data-part]')) {
      const name = part.dataset.part;
      const html = part.outerHTML;
      const old = live.querySelector(`[data-part="${name}"]`);
      if (old === null || shown.get(name) === html || (!shown.has(name) && same(old, part))) {
        shown.set(name, html);
        continue;
      }
      shown.set(name, html);
      const isAnnounced = old.getAttribute('aria-live') !== null;
      if (isAnnounced) old.replaceChildren(...document.importNode(part, true).childNodes);
      else old.replaceWith(document.importNode(part, true));
    }
    const title = fresh.querySelector('[data-title]');
    if (title !== null) document.title = title.dataset.title;
    if (fresh.querySelector('[data-live-ended]') !== null) source?.close();
  }

  const same = (one, other) =>
    one.textContent.replace(/\s+/g, ' ') === other.textContent.replace(/\s+/g, ' ');

  function listen() {
    source = new EventSource('/api/events');
    for (const kind of live.dataset.live.split(' ')) {
      source.addEventListener(kind, (event) => {
        const wanted = live.dataset.liveId;
        if (wanted === undefined || JSON.parse(event.data).fetchId === wanted) void refresh();
      });
    }
    source.addEventListener('hello', refresh);
    source.addEventListener('resync', refresh);
    source.addEventListener('open', () => document.body.classList.remove('cdip-offline'));
    source.addEventListener('error', () => {
      document.body.classList.add('cdip-offline');
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  }

  if (live.querySelector('[data-live-ended]') === null) listen();
  addEventListener('pagehide', () => source?.close());
  addEventListener('pageshow', (event) => event.persisted && listen());
}
