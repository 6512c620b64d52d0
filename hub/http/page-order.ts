/** `/studies/{uid}/fetch`: the form that orders a fetch. */
import { moveBetween } from '../audit/subjects.ts';
import type { FetchRequest } from '../fetch/order.ts';
import type { StudyDetail } from '../search/study.ts';
import { plural } from '../web/format.ts';
import {
  type FieldFault,
  type Form,
  faultsByField,
  fieldFaults,
  pick,
  readForm,
  readList,
} from './forms.ts';
import { queryValue, studyAddress } from './page-find.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { requireStudies, studyAbsent, trustName } from './routes-studies.ts';
import { FetchRequestInput } from './schemas.ts';
import { basisOfFetch } from './shown-fetches.ts';
import { validate } from './validate.ts';

/** The form's fields by the API's paths. */
const FIELDS = {
  'to.trust': 'to',
  'to.peer': 'peer',
  'localPatient.patientId': 'patientId',
  'localPatient.issuer': 'issuer',
  'localPatient.patientName': 'patientName',
  'localPatient.birthDate': 'birthDate',
} as const;
export const PATIENT_FIELDS = ['patientId', 'issuer', 'patientName', 'birthDate'] as const;

export function orderPages(parts: HttpParts): Page[] {
  const path = '/studies/:uid/fetch';
  return [
    {
      method: 'GET',
      path,
      action: 'fetch',
      audit: 'look',
      run: (call) => {
        const study = studyOf(parts, call, queryValue(call.request, 'home'));
        const form = { purpose: 'direct care', priority: 'urgent' };
        return showForm(parts, call, { study, form, series: [], faults: [] });
      },
    },
    {
      method: 'POST',
      path,
      action: 'fetch',
      audit: 'fetch',
      run: async (call) => {
        const form = readForm(call.request.body);
        const series = readList(call.request.body, 'series');
        const study = studyOf(parts, call, form['home']);
        const request = readRequest(study, form, series);
        if (Array.isArray(request))
          return showForm(parts, call, { study, form, series, faults: request });
        const basis = basisOfFetch(parts, call, request);
        const order = await parts.fetches.request({ ...request, ...basis }, call.principal);
        call.moves(moveBetween(order.home, order.to.trust));
        return call.reply.redirect(`/fetches/${encodeURIComponent(order.fetchId)}`, 303);
      },
    },
  ];
}

function studyOf(
  parts: HttpParts,
  { request, discloser, saw }: PageCall,
  home: string | undefined,
): StudyDetail {
  const { uid = '' } = request.params as { uid?: string };
  const found = requireStudies(parts, { discloser, saw }, uid);
  const study = found.find((one) => one.home === home) ?? found[0];
  if (study === undefined) throw studyAbsent(parts, uid);
  return study;
}

function readRequest(
  study: StudyDetail,
  form: Form,
  series: string[],
): FetchRequest | FieldFault[] {
  const patient = pick(form, PATIENT_FIELDS, ['birthDate']);
  const input = {
    studyInstanceUID: study.studyInstanceUID,
    home: study.home,
    to: { trust: form['to'], peer: form['peer'] },
    priority: form['priority'],
    purpose: form['purpose'],
    reason: form['reason'],
    seriesInstanceUIDs: series.length === 0 ? undefined : series,
    localPatient: Object.keys(patient).length === 0 ? undefined : dicomName(patient),
  };
  try {
    const body = validate(FetchRequestInput, input, 'body');
    const localPatient =
      body.localPatient === undefined ? undefined : withoutUndefined(body.localPatient);
    return withoutUndefined({
      ...body,
      localPatient,
      to: withoutUndefined(body.to),
    }) as FetchRequest;
  } catch (error) {
    return fieldFaults(error, FIELDS);
  }
}

/** `Smith, Anna` as people write it becomes `Smith^Anna`. PS3.5 §6.2 PN. */
export function dicomName(patient: Form): Form {
  const { patientName } = patient;
  if (patientName === undefined || patientName.includes('^')) return patient;
  const [family = '', ...given] = patientName.split(',').map((part) => part.trim());
  return { ...patient, patientName: [family, given.join(' ')].filter(Boolean).join('^') };
}

interface OrderForm {
  readonly study: StudyDetail;
  readonly form: Form;
  readonly series: readonly string[];
  readonly faults: readonly FieldFault[];
}

function showForm(
  parts: HttpParts,
  call: PageCall,
  { study, form, series, faults }: OrderForm,
): unknown {
  const trusts = parts.config.trusts.filter((trust) => trust.ods !== study.home);
  const chosen = form['to'] ?? call.principal.trust ?? '';
  const isOffered = trusts.some((trust) => trust.ods === chosen);
  const items = trusts.map(({ ods, name }) => ({
    value: ods,
    text: name,
    selected: ods === chosen,
  }));
  return call.render('order.njk', {
    section: 'find',
    title: `${faults.length > 0 ? 'Error: ' : ''}Fetch ${study.description ?? 'a study'}`,
    study: {
      ...study,
      trustName: trustName(parts, study.home),
      href: studyAddress(study.studyInstanceUID),
    },
    action: `${studyAddress(study.studyInstanceUID)}/fetch`,
    form: { ...form, series },
    faultList: faults,
    faults: faultsByField(faults),
    patientGiven: PATIENT_FIELDS.some(
      (name) => form[name] !== undefined || faults.some((fault) => fault.field === name),
    ),
    trustItems: isOffered ? items : [{ value: '', text: 'Choose a trust' }, ...items],
    seriesItems: study.series.map((one) => ({
      value: one.seriesInstanceUID,
      text: `${one.seriesNumber ?? '–'} ${one.description ?? one.modality ?? 'Series'}`,
      hint: { text: plural(one.numberOfInstances, 'image') },
    })),
  });
}
