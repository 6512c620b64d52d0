/**
 * A row of the trail as a DICOM audit message, PS3.15 A.5.1, in a syslog frame, RFC 5424 and 5425.
 *
 *   AuditedEvent ─► <AuditMessage> ─► <85>1 … DICOM+RFC3881 [meta sequenceId="seq"] ─► LENGTH SP frame
 *
 * Pure. The sequence number tells a message that comes twice.
 */
import { type Code, EVENT_ID, EVENT_TYPE } from './dicom-codes.ts';
import type { AuditedEvent } from './trail.ts';

/** Facility authpriv (10), severity notice (5). RFC 5424 §6.2.1. */
const PRIORITY = 10 * 8 + 5;
const MESSAGE_ID = 'DICOM+RFC3881';
const BOM = '\ufeff';
/** RFC 5424 §6.2: printable ASCII, and no longer than this. */
const MAX_HOST = 255;

export interface AuditSource {
  /** `HUB`, or the ODS code of the edge's trust. */
  readonly of: string;
  readonly hostname: string;
  readonly pid: number;
}

/** One message as it goes over the connection: octet counting, RFC 5425 §4.3. */
export function syslogFrame(event: AuditedEvent, source: AuditSource): Buffer {
  const host = source.hostname.replace(/[^\x21-\x7e]/g, '').slice(0, MAX_HOST) || '-';
  const app = source.of === 'HUB' ? 'cdip-hub' : 'cdip-edge';
  const head = `<${PRIORITY}>1 ${event.at} ${host} ${app} ${source.pid} ${MESSAGE_ID}`;
  const message = Buffer.from(
    `${head} [meta sequenceId="${event.seq}"] ${BOM}${auditMessage(event, source)}`,
    'utf8',
  );
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** PS3.15 A.5.1. */
export function auditMessage(event: AuditedEvent, { of }: AuditSource): string {
  const { at, action, outcome, code, patients, studies } = event;
  const type = EVENT_TYPE[event.event];
  return [
    '<?xml version="1.0" encoding="UTF-8"?><AuditMessage>',
    tag('EventIdentification', {
      ...{ EventActionCode: action, EventDateTime: at, EventOutcomeIndicator: String(outcome) },
      inner: [
        coded('EventID', EVENT_ID[event.event]),
        type === undefined ? '' : coded('EventTypeCode', type),
        code === null ? '' : `<EventOutcomeDescription>${escaped(code)}</EventOutcomeDescription>`,
      ],
    }),
    participant(event),
    tag('AuditSourceIdentification', {
      ...{ AuditEnterpriseSiteID: of, AuditSourceID: of === 'HUB' ? 'cdip-hub' : 'cdip-edge' },
      inner: [
        coded('AuditSourceTypeCode', { code: '4', display: 'Application Server' }, 'RFC-3881'),
      ],
    }),
    ...patients.map((id) =>
      object(id, { type: '1', role: '1', of: { code: '2', display: 'Patient Number' } }),
    ),
    ...studies.map((id) =>
      object(id, { type: '2', role: '3', of: { code: '110180', display: 'Study Instance UID' } }),
    ),
    queried(event),
    '</AuditMessage>',
  ].join('');
}

function participant({ user, role, trust, address }: AuditedEvent): string {
  const { code, display } = { code: role, display: role };
  return tag('ActiveParticipant', {
    // Whoever is not known still takes part.
    UserID: user === '' ? 'unknown' : user,
    ...(trust === null ? {} : { AlternativeUserID: `${user}@${trust}` }),
    UserIsRequestor: 'true',
    ...(address === null ? {} : { NetworkAccessPointID: address, NetworkAccessPointTypeCode: '2' }),
    inner: [role === '' ? '' : coded('RoleIDCode', { code, display }, '99CDIP')],
  });
}

/** The schema wants a name or a query of each; the trail holds no names, so the identifier stands for it. */
function object(id: string, { type, role, of }: { type: string; role: string; of: Code }): string {
  return tag('ParticipantObjectIdentification', {
    ...{ ParticipantObjectID: id, ParticipantObjectTypeCode: type },
    ParticipantObjectTypeCodeRole: role,
    inner: [
      coded('ParticipantObjectIDTypeCode', of, type === '1' ? 'RFC-3881' : 'DCM'),
      `<ParticipantObjectName>${escaped(id)}</ParticipantObjectName>`,
    ],
  });
}

/** What was asked for, and why it was shown; base64 as the schema wants it. */
function queried({ what, query, purpose, basis = [] }: AuditedEvent): string {
  const bytes = Buffer.from(JSON.stringify(purpose === null ? query : { ...query, purpose }));
  return tag('ParticipantObjectIdentification', {
    ...{ ParticipantObjectID: what, ParticipantObjectTypeCode: '2' },
    ParticipantObjectTypeCodeRole: '24',
    inner: [
      coded('ParticipantObjectIDTypeCode', { code: '10', display: 'Search Criteria' }, 'RFC-3881'),
      `<ParticipantObjectQuery>${bytes.toString('base64')}</ParticipantObjectQuery>`,
      ...basis.map((one) => {
        const value = Buffer.from(one).toString('base64');
        return tag('ParticipantObjectDetail', { type: 'basis', value, inner: [] });
      }),
    ],
  });
}

function coded(name: string, { code, display }: Code, system = 'DCM'): string {
  return tag(name, { 'csd-code': code, codeSystemName: system, originalText: display, inner: [] });
}

function tag(
  name: string,
  {
    inner,
    ...attributes
  }: { inner: readonly string[] } & Record<string, string | readonly string[]>,
): string {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
    .join('');
  return inner.length === 0 ? `<${name}${text}/>` : `<${name}${text}>${inner.join('')}</${name}>`;
}

/** XML 1.0 §2.2, §2.4: characters that no document may hold are left out. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"\t\n\r]/g, (one) => `&#${one.charCodeAt(0)};`);
}
