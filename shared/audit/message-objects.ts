/**
 * What an event was about, as ParticipantObjectIdentification. PS3.15 A.5.2 and the tables of A.5.3.
 *
 *   patients, studies with what of them ─► objects        what was asked for, and why it was shown ─► one more
 */
import { EVENT_ID } from './dicom-codes.ts';
import type { AuditContent } from './entry.ts';
import type { AuditedEvent } from './trail.ts';
import { base64, coded, escaped, tag } from './xml.ts';

/** ParticipantObjectTypeCode. */
const PERSON = '1';
const SYSTEM_OBJECT = '2';
/** ParticipantObjectTypeCodeRole. */
const PATIENT = '1';
const REPORT = '3';
const SECURITY_RESOURCE = '13';
const JOB = '20';
const QUERY = '24';

const PATIENT_NUMBER = { code: '2', display: 'Patient Number' } as const;
const SEARCH_CRITERIA = { code: '10', display: 'Search Criteria' } as const;
const URI = { code: '12', display: 'URI' } as const;
const STUDY_INSTANCE_UID = { code: '110180', display: 'Study Instance UID' } as const;
const SOP_CLASS_UID = { code: '110181', display: 'SOP Class UID' } as const;
const CALL = { code: 'call', display: 'What was called' } as const;

const SECURITY_EVENTS: ReadonlySet<string> = new Set([
  EVENT_ID.account.code,
  EVENT_ID.audit.code,
  EVENT_ID['sign-in'].code,
]);

export function participantObjects(event: AuditedEvent): string[] {
  const { patients, studies, contents = [] } = event;
  const contentOf = new Map(contents.map((one) => [one.study, one]));
  return [
    ...patients.map((id) =>
      object({
        ...{ id, type: PERSON, role: PATIENT, name: nameElement(id) },
        idType: coded('ParticipantObjectIDTypeCode', PATIENT_NUMBER, 'RFC-3881'),
      }),
    ),
    ...studies.map((id) => studyObject(id, contentOf.get(id))),
    calledObject(event),
  ];
}

interface ObjectText {
  readonly id: string;
  readonly type: string;
  readonly role: string;
  readonly idType: string;
  /** ParticipantObjectName or ParticipantObjectQuery. */
  readonly name: string;
  readonly more?: readonly string[];
}

function object({ id, type, role, idType, name, more = [] }: ObjectText): string {
  const attributes = {
    ...{ ParticipantObjectID: id, ParticipantObjectTypeCode: type },
    ParticipantObjectTypeCodeRole: role,
  };
  return tag('ParticipantObjectIdentification', attributes, [idType, name, ...more]);
}

/** The schema wants a name or a query of each; the trail holds no names, so the identifier stands for it. */
const nameElement = (name: string): string =>
  `<ParticipantObjectName>${escaped(name)}</ParticipantObjectName>`;

const detail = (type: string, text: string): string =>
  tag('ParticipantObjectDetail', { type, value: base64(text) });

function studyObject(id: string, content: AuditContent | undefined): string {
  return object({
    ...{ id, type: SYSTEM_OBJECT, role: REPORT, name: nameElement(id) },
    idType: coded('ParticipantObjectIDTypeCode', STUDY_INSTANCE_UID),
    more: content === undefined ? [] : [description(content)],
  });
}

/** DICOMObjectDescriptionContents of A.5.1.1. */
function description({ accession, instances, isAnonymous }: AuditContent): string {
  return tag('ParticipantObjectDescription', {}, [
    ...(accession === null ? [] : [tag('Accession', { Number: accession })]),
    ...Object.entries(instances).map(([uid, count]) =>
      tag('SOPClass', { ...(uid === '' ? {} : { UID: uid }), NumberOfInstances: String(count) }),
    ),
    ...(isAnonymous === true ? ['<Anonymized>true</Anonymized>'] : []),
  ]);
}

/** What was asked for, and why it was shown (IS-51); base64 as the schema wants it. */
function calledObject(event: AuditedEvent): string {
  const { event: kind, what, query, identifier } = event;
  const asked = base64(JSON.stringify(query));
  const system = { type: SYSTEM_OBJECT, more: reasons(event) };
  if (identifier !== undefined)
    return object({
      ...{ ...system, id: identifier.sopClassUID, role: REPORT },
      idType: coded('ParticipantObjectIDTypeCode', SOP_CLASS_UID),
      name: queryElement(identifier.dataSet),
      more: [detail('TransferSyntax', identifier.transferSyntaxUID), ...system.more],
    });
  if (kind === 'search')
    return object({
      ...{ ...system, id: what, role: QUERY, name: queryElement(asked) },
      idType: coded('ParticipantObjectIDTypeCode', SEARCH_CRITERIA, 'RFC-3881'),
    });
  const isSecurity = SECURITY_EVENTS.has(EVENT_ID[kind].code);
  return object({
    ...{ ...system, id: what, role: isSecurity ? SECURITY_RESOURCE : JOB },
    idType: isSecurity
      ? coded('ParticipantObjectIDTypeCode', URI, 'RFC-3881')
      : coded('ParticipantObjectIDTypeCode', CALL, '99CDIP'),
    name: nameElement(kind === 'audit' ? 'Security Audit Log' : what),
    more: [...alertDescription(event), detail('query', JSON.stringify(query)), ...system.more],
  });
}

const queryElement = (base64Text: string): string =>
  `<ParticipantObjectQuery>${base64Text}</ParticipantObjectQuery>`;

/** A.5.3.11. */
function alertDescription({ event, what, code }: AuditedEvent): string[] {
  if (EVENT_ID[event] !== EVENT_ID.account) return [];
  return [detail('Alert Description', code === null ? what : `${what}: ${code}`)];
}

function reasons({ basis = [], purpose, homes, withheld = 0 }: AuditedEvent): string[] {
  return [
    ...basis.map((one) => detail('basis', one)),
    ...(purpose === null ? [] : [detail('purpose', purpose)]),
    ...homes.map((one) => detail('organisation of the data', one)),
    ...(withheld === 0 ? [] : [detail('withheld', String(withheld))]),
  ];
}
