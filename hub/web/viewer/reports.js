/*
 * The reports of the studies that are open, beside their images: the version in force of each. Kept live:
 * one that is corrected or withdrawn while it is read is replaced. Only text is ever put into the page.
 */
const STATUS = {
  preliminary: ['Preliminary', '#ffeb3b'],
  final: ['Final', '#a4d6bb'],
  corrected: ['Corrected', '#a8cdf0'],
  withdrawn: ['Withdrawn', '#f5b5ad'],
};
const OPEN_KEY = 'cdip-reports';
const WITHDRAWN = 'This report was withdrawn by the trust that wrote it. Its text is not shown.';

const box = element('section', { font: '400 16px/1.5 arial, sans-serif', color: '#212b32' });
box.id = 'cdip-reports';
box.setAttribute('aria-label', 'Reports');
const above = { position: 'fixed', zIndex: '90000', background: '#fff', borderRadius: '4px' };
// Over the end of the list of studies: no image, and nothing that is written on one, lies under it.
const panel = element('div', {
  ...above,
  ...{ left: '8px', bottom: '8px', width: 'min(264px, 92vw)', maxHeight: '45vh' },
  ...{ boxSizing: 'border-box', padding: '4px 16px', overflowY: 'auto' },
});
panel.id = 'cdip-reports-text';
panel.tabIndex = 0;
panel.setAttribute('aria-live', 'polite');
const button = element('button', {
  ...above,
  ...{ color: '#005eb8', border: '0', padding: '6px 12px', cursor: 'pointer' },
  font: '600 16px/1.4 arial, sans-serif',
});
button.setAttribute('aria-controls', panel.id);
button.addEventListener('click', () => {
  show(panel.hidden);
  sessionStorage.setItem(OPEN_KEY, panel.hidden ? 'no' : 'yes');
});
box.append(button, panel);
// The viewer's keys and tools are not meant.
for (const kind of ['keydown', 'keyup', 'wheel', 'pointerdown', 'mousedown'])
  box.addEventListener(kind, (event) => event.stopPropagation());

/** Of the address, when they were last asked for. */
let studies = '';
let reports = [];
let answers = 0;
let waiting;

document.body.append(box);
place();
addEventListener('resize', place);
listen();
// The viewer goes to another study without a new page.
setInterval(() => openStudies() === studies || load(), 500);
void load();

function openStudies() {
  return new URLSearchParams(location.search).getAll('StudyInstanceUIDs').join(',');
}

/** In the head of the viewer where it has room there. */
function place() {
  const isWide = innerWidth >= 1000;
  const at = isWide
    ? { left: '152px', top: '6px', bottom: '' }
    : { left: '8px', top: '', bottom: '8px' };
  Object.assign(button.style, at);
  panel.style.bottom = isWide ? '8px' : '52px';
}

/** A question that is overtaken by a later one is forgotten. */
async function load() {
  studies = openStudies();
  answers += 1;
  const own = answers;
  const uids = studies.split(',').filter((uid) => uid !== '');
  const found = await Promise.all(uids.map(reportsOf)).catch(() => undefined);
  if (own !== answers) return;
  reports = found?.flat();
  draw();
}

async function reportsOf(uid) {
  const answer = await fetch(`/api/studies/${encodeURIComponent(uid)}`);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const study = await answer.json();
  return [study, ...study.alsoClaimedBy].flatMap((one) => one.reports);
}

function draw() {
  const parts =
    reports === undefined
      ? [text('p', 'The reports can not be read just now. They are asked for again.')]
      : reports.map(card);
  panel.replaceChildren(...(parts.length === 0 ? [text('p', 'No report is known.')] : parts));
  show(sessionStorage.getItem(OPEN_KEY) !== 'no' && innerWidth >= 1000 && parts.length > 0);
}

function show(isOpen) {
  panel.hidden = !isOpen;
  button.setAttribute('aria-expanded', String(isOpen));
  const count = reports === undefined ? '?' : reports.length;
  button.textContent = isOpen ? 'Close the reports' : `Reports (${count})`;
}

function card({
  title,
  status,
  trust,
  issuedAt,
  author,
  text: words,
  isCut,
  document: file,
  earlier,
}) {
  const [word, colour] = STATUS[status];
  const heading = text('h2', `${title ?? 'Report'} `, { font: '600 18px/1.4 arial, sans-serif' });
  heading.append(text('span', word, { background: colour, padding: '0 8px', font: 'inherit' }));
  const issued = new Date(issuedAt).toLocaleString('en-GB', {
    ...{ timeZone: 'Europe/London', dateStyle: 'medium', timeStyle: 'short' },
  });
  const who = [trust, `issued ${issued}`, author?.split('^').filter(Boolean).join(' ')];
  const article = element('article', { margin: '8px 0 16px' });
  article.append(heading, text('p', who.filter(Boolean).join(', '), { color: '#4c6272' }));
  const body = status === 'withdrawn' ? WITHDRAWN : words;
  article.append(text('p', body ?? '', { whiteSpace: 'pre-wrap' }));
  const notes = [
    isCut && 'The report is longer: the rest is at the trust.',
    file && 'A document came with it: it is at the trust.',
    earlier.length > 0 && `${earlier.length} earlier, not in force: see the study’s page.`,
  ];
  for (const note of notes) if (note) article.append(text('p', note, { color: '#4c6272' }));
  return article;
}

function listen() {
  const source = new EventSource('/api/events');
  source.addEventListener('record', ({ data }) => JSON.parse(data).record === 'report' && soon());
  source.addEventListener('resync', load);
  // After a break something may have been missed.
  source.addEventListener('hello', () => answers > 1 && load());
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5_000);
  });
}

/** Of a whole network's reports few are of this patient. */
function soon() {
  if (waiting !== undefined) return;
  waiting = setTimeout(() => {
    waiting = undefined;
    void load();
  }, 5_000);
}

function element(name, style = {}) {
  const made = document.createElement(name);
  Object.assign(made.style, style);
  return made;
}

function text(name, words, style = {}) {
  const made = element(name, style);
  made.textContent = words;
  return made;
}
