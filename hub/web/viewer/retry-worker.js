/*
 * Between the viewer and the hub's DICOMweb: what a source does not answer now is asked again until it
 * does, and the page is told which source it is. A service worker of /viewer/ alone.
 */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 5_000;
const PASSING = new Set([502, 503, 504]);

let isWaiting = false;

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && /^\/(teaching\/)?dicom-web\//.test(new URL(url).pathname))
    event.respondWith(untilAnswered(event.request));
});

async function untilAnswered(request) {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const { answer, detail } = await ask(request);
    if (answer !== undefined) {
      if (isWaiting) await tell({ kind: 'answered' });
      isWaiting = false;
      return answer;
    }
    isWaiting = true;
    await tell({ kind: 'waiting', detail });
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Reads all of it: an answer that is cut is none. */
async function ask(request) {
  try {
    const answer = await fetch(request.clone());
    if (PASSING.has(answer.status)) {
      const { detail = 'The source of these images does not answer.' } = await answer
        .json()
        .catch(() => ({}));
      return { detail };
    }
    const { status, statusText } = answer;
    const headers = new Headers(answer.headers);
    headers.delete('content-encoding');
    headers.delete('content-length');
    const body = [204, 205, 304].includes(status) ? null : await answer.arrayBuffer();
    return { answer: new Response(body, { status, statusText, headers }) };
  } catch (error) {
    if (request.signal.aborted) throw error;
    return { detail: 'The network’s hub can not be reached, or an image was cut off on its way.' };
  }
}

async function tell(message) {
  for (const client of await clients.matchAll()) client.postMessage(message);
}
