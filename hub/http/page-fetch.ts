/** `/fetches/{id}`: how a fetch stands, live; the patient of a held one; its cancellation. */
import { type FetchStateName, FINAL_FETCH_STATES } from '../../shared/contract/events.ts';
import { moveBetween } from '../audit/subjects.ts';
import type { FetchView } from '../fetch/order.ts';
import { findStudy } from '../search/study.ts';
import { STATE_WORDS, USUAL_WAY } from '../web/states.ts';
import { type FieldFault, type Form, faultsByField, fieldFaults, pick, readForm } from './forms.ts';
import { dicomName, PATIENT_FIELDS } from './page-order.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { LocalPatientInput } from './schemas.ts';
import { requireFetch } from './shown-fetches.ts';
import { validate } from './validate.ts';

export function fetchPages(parts: HttpParts): Page[] {
  const { fetches } = parts;
  const orderOf = (call: PageCall): FetchView => {
    const order = requireFetch(parts, call, (call.request.params as { id: string }).id);
    if (call.request.method !== 'GET') call.moves(moveBetween(order.home, order.to.trust));
    return order;
  };
  const address = (order: FetchView): string => `/fetches/${encodeURIComponent(order.fetchId)}`;
  return [
    {
      method: 'GET',
      path: '/fetches/:id',
      action: 'fetch',
      audit: 'look',
      run: (call) => show(parts, call, { order: orderOf(call), form: {}, faults: [] }),
    },
    {
      method: 'GET',
      path: '/fetches/:id/live',
      action: 'fetch',
      // The page that it is a part of was recorded.
      audit: null,
      run: (call) => {
        const order = orderOf(call);
        return call.render('fetch-live.njk', shown(parts, { order, form: {}, faults: [] }));
      },
    },
    {
      method: 'POST',
      path: '/fetches/:id/cancel',
      action: 'fetch',
      audit: 'fetch',
      run: async (call) => {
        const order = orderOf(call);
        await fetches.cancel(order.fetchId, call.principal);
        return call.reply.redirect(address(order), 303);
      },
    },
    {
      method: 'POST',
      path: '/fetches/:id/patient',
      action: 'fetch',
      audit: 'fetch',
      run: async (call) => {
        const order = orderOf(call);
        const form = readForm(call.request.body);
        try {
          const given = dicomName(pick(form, PATIENT_FIELDS, ['birthDate']));
          const patient = withoutUndefined(validate(LocalPatientInput, given, 'body'));
          await fetches.namePatient(order.fetchId, patient, call.principal);
        } catch (error) {
          return show(parts, call, { order, form, faults: fieldFaults(error, {}) });
        }
        return call.reply.redirect(address(order), 303);
      },
    },
  ];
}

interface Shown {
  readonly order: FetchView;
  readonly form: Form;
  readonly faults: readonly FieldFault[];
}

function show(parts: HttpParts, call: PageCall, what: Shown): unknown {
  const values = shown(parts, what);
  const state = STATE_WORDS[what.order.state].word;
  return call.render('fetch.njk', {
    ...values,
    title: `${state}: ${values.heading}`,
    section: 'fetches',
    ...(values.ended ? {} : { refreshSeconds: 5 }),
  });
}

function shown(parts: HttpParts, { order, form, faults }: Shown) {
  const study = findStudy(parts.projection.db, order.studyInstanceUID).find(
    (one) => one.home === order.home,
  );
  const ended = FINAL_FETCH_STATES.includes(order.state);
  const { done, expected } = order.instances;
  return {
    order,
    form,
    faultList: faults,
    faults: faultsByField(faults),
    study: study ?? { patient: {} },
    heading: headingOf(parts, order),
    words: STATE_WORDS[order.state],
    ended,
    percent: Math.min(100, Math.round((done / Math.max(1, expected)) * 100)),
    ...paceOf(order, ended),
    steps: stepsOf(order),
    rows: factsOf(order),
  };
}

/** What is fetched: `CT Thorax`; the study's modality alone when it has no description. */
export function headingOf(parts: HttpParts, order: FetchView): string {
  const found = findStudy(parts.projection.db, order.studyInstanceUID);
  const study = found.find((one) => one.home === order.home) ?? found[0];
  const modalities = study?.modalities.join(', ') ?? '';
  const description = study?.description ?? '';
  if (modalities === '' || description.toUpperCase().startsWith(modalities))
    return description || 'Study';
  return [modalities, description].filter(Boolean).join(' ');
}

/** Measured from the moment the transfer began to the newest word of it. */
function paceOf(order: FetchView, ended: boolean) {
  const at = (state: FetchStateName): number | undefined => {
    const step = order.steps.find((one) => one.state === state);
    return step === undefined ? undefined : Date.parse(step.at);
  };
  const began = at('transferring');
  const seconds = began === undefined ? 0 : (Date.parse(order.updatedAt) - began) / 1000;
  const moving = order.state === 'transferring' && seconds > 0.5;
  const available = at('available');
  return {
    bytesPerSecond: moving ? Math.round(order.bytes.done / seconds) : null,
    tookSeconds:
      ended && available !== undefined ? (available - Date.parse(order.requestedAt)) / 1000 : null,
  };
}

interface Step {
  readonly state: FetchStateName;
  readonly at: string | null;
  readonly kind: 'done' | 'now' | 'ended' | 'todo';
}

/** What was reached, in its order, then what is usually still to come. */
function stepsOf(order: FetchView): Step[] {
  const reached = order.steps.some((step) => step.state === 'requested')
    ? order.steps
    : [{ state: 'requested' as const, at: order.requestedAt }, ...order.steps];
  const ended = FINAL_FETCH_STATES.includes(order.state);
  const steps = reached.toSorted((one, other) => one.at.localeCompare(other.at));
  const past = steps.map(({ state, at }): Step => {
    if (state !== order.state) return { state, at, kind: 'done' };
    const isGood = state === 'available';
    return { state, at, kind: isGood ? 'done' : ended ? 'ended' : 'now' };
  });
  if (ended) return past;
  const furthest = Math.max(...steps.map((step) => USUAL_WAY.indexOf(step.state)));
  const todo = USUAL_WAY.slice(furthest + 1).map(
    (state): Step => ({ state, at: null, kind: 'todo' }),
  );
  return [...past, ...todo];
}

function factsOf(order: FetchView): [string, string][] {
  const { localPatient } = order;
  const rows: [string, string | null][] = [
    ['Priority', order.priority],
    ['Purpose', order.purpose],
    ['Note', order.reason],
    ['Delivered to', order.to.peer],
    [
      'Part',
      order.seriesInstanceUIDs === null ? null : `${order.seriesInstanceUIDs.length} series`,
    ],
    [
      'Filed under',
      localPatient === null ? null : `${localPatient.patientId} (${localPatient.issuer})`,
    ],
    ['Chosen by', localPatient === null ? null : CHOSEN_BY[localPatient.by]],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== null);
}

const CHOSEN_BY: Readonly<Record<'request' | 'nhsNumber' | 'foreign', string>> = {
  request: 'a person',
  nhsNumber: 'same NHS number and date of birth',
  foreign: 'kept as a patient from outside',
};
