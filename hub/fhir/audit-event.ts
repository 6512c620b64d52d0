/** An event of the audit trail as FHIR R4 AuditEvent, in DICOM's codes. */
import { hostname } from 'node:os';
import { HUB_TRAIL } from '../../shared/audit/anchors.ts';
import { type Code, EVENT_ID, eventAction, eventType } from '../../shared/audit/dicom-codes.ts';
import type { AuditContent } from '../../shared/audit/entry.ts';
import { type Participant, participantsOf } from '../../shared/audit/participants.ts';
import type { AuditedEvent } from '../../shared/audit/trail.ts';
import { type FhirResource, LOCAL_SYSTEM, NHS_NUMBER_SYSTEM, ODS_SYSTEM } from './resources.ts';
import { tokenOf } from './search-parameters.ts';

const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const OBJECT_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';
const OUTCOMES = { 0: 'done', 4: 'not done', 8: 'refused', 12: 'failed' } as const;

export function auditEventResource(event: AuditedEvent): FhirResource {
  const { seq, at, outcome, code, purpose, patients, studies, what, contents = [] } = event;
  const type = eventType(event);
  const contentOf = new Map(contents.map((one) => [one.study, one]));
  const program = { of: HUB_TRAIL, hostname: hostname(), pid: process.pid };
  const described = code === null ? {} : { outcomeDesc: `${OUTCOMES[outcome]}: ${code}` };
  return {
    ...{ resourceType: 'AuditEvent', id: String(seq), meta: { versionId: '1', lastUpdated: at } },
    type: coding(EVENT_ID[event.event]),
    subtype: [
      ...(type === undefined ? [] : [coding(type)]),
      { system: 'urn:cdip:call', code: what },
    ],
    ...{ action: eventAction(event), recorded: at, outcome: String(outcome), ...described },
    ...(purpose === null ? {} : { purposeOfEvent: [{ text: purpose }] }),
    agent: participantsOf(event, program).map(agentOf),
    source: {
      observer: { display: 'cdip hub' },
      type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }],
    },
    entity: [
      ...patients.map(patientEntity),
      ...studies.map((uid) => studyEntity(uid, contentOf.get(uid))),
      queryEntity(event),
    ],
  };
}

const coding = ({ code, display }: Code): object => ({ system: DCM, code, display });

/** The same participants as a DICOM audit message has. https://hl7.org/fhir/R4/auditevent.html#dicom */
function agentOf(participant: Participant): object {
  const { id, alternativeId, trust, isRequestor, roles, localRole, network, media } = participant;
  const [type] = roles;
  return {
    ...(type === undefined ? {} : { type: { coding: [coding(type)] } }),
    ...(localRole === '' ? {} : { role: [{ text: localRole }] }),
    who: {
      display: id,
      ...(trust === null ? {} : { identifier: { system: ODS_SYSTEM, value: trust } }),
    },
    ...(alternativeId === null ? {} : { altId: alternativeId }),
    ...{ name: id, requestor: isRequestor },
    ...(media === null ? {} : { media: coding(media) }),
    ...(network === null ? {} : { network }),
  };
}

/** `number^^^issuer`, or an NHS number. */
function patientEntity(patient: string): object {
  const [value = '', issuer] = patient.split('^^^');
  const system = issuer === undefined ? NHS_NUMBER_SYSTEM : `${LOCAL_SYSTEM}${issuer}`;
  return {
    what: { type: 'Patient', identifier: { system, value } },
    type: { system: ENTITY_TYPE, code: '1', display: 'Person' },
    role: { system: OBJECT_ROLE, code: '1', display: 'Patient' },
  };
}

function studyEntity(uid: string, content: AuditContent | undefined): object {
  const detail = content === undefined ? [] : contentDetails(content);
  return {
    what: {
      type: 'ImagingStudy',
      identifier: { system: 'urn:dicom:uid', value: `urn:oid:${uid}` },
    },
    type: { system: ENTITY_TYPE, code: '2', display: 'System Object' },
    role: { system: OBJECT_ROLE, code: '3', display: 'Report' },
    ...(detail.length === 0 ? {} : { detail }),
  };
}

const contentDetails = ({ accession, instances }: AuditContent): object[] => [
  ...(accession === null ? [] : [{ type: 'Accession', valueString: accession }]),
  ...Object.entries(instances).map(([sopClassUID, count]) => ({
    ...{ type: 'SOPClass', valueString: `${sopClassUID} ${count}`.trim() },
  })),
];

/** What was asked for, as it was asked; base64 as R4 wants it. And why it was shown. IS-51. */
function queryEntity({ query, basis = [] }: AuditedEvent): object {
  const detail = basis.map((valueString) => ({ type: 'basis', valueString }));
  return {
    type: { system: ENTITY_TYPE, code: '2', display: 'System Object' },
    role: { system: OBJECT_ROLE, code: '24', display: 'Query' },
    query: Buffer.from(JSON.stringify(query)).toString('base64'),
    ...(detail.length === 0 ? {} : { detail }),
  };
}

/** `patient` of a search: a number, a token with its system, or a reference by number. Null for what is none. */
export function patientOfToken(token: string): string | null {
  const { system, value } = tokenOf(token);
  const number = value.replace(/^Patient\//, '');
  if (number === '') return null;
  if (system?.startsWith(LOCAL_SYSTEM)) return `${number}^^^${system.slice(LOCAL_SYSTEM.length)}`;
  return system === null || system === NHS_NUMBER_SYSTEM ? number : null;
}
