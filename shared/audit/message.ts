/**
 * A row of the trail as a DICOM audit message, PS3.15 A.5.1, in a syslog frame, RFC 5424 and 5425.
 *
 *   AuditedEvent ─► <AuditMessage> ─► <85>1 … DICOM+RFC3881 [meta sequenceId="seq"] ─► LENGTH SP frame
 *
 * Pure. The sequence number tells a message that comes twice.
 */
import { EVENT_ID, eventAction, eventType } from './dicom-codes.ts';
import { participantObjects } from './message-objects.ts';
import { type AuditSource, type Participant, participantsOf } from './participants.ts';
import type { AuditedEvent } from './trail.ts';
import { coded, escaped, tag } from './xml.ts';

/** Facility authpriv (10), severity notice (5). RFC 5424 §6.2.1. */
const PRIORITY = 10 * 8 + 5;
const MESSAGE_ID = 'DICOM+RFC3881';
const BOM = '\ufeff';
/** RFC 5424 §6.2: printable ASCII, and no longer than this. */
const MAX_HOST = 255;

const programOf = ({ of }: AuditSource): string => (of === 'HUB' ? 'cdip-hub' : 'cdip-edge');

/** One message as it goes over the connection: octet counting, RFC 5425 §4.3. */
export function syslogFrame(event: AuditedEvent, source: AuditSource): Buffer {
  const host = source.hostname.replace(/[^\x21-\x7e]/g, '').slice(0, MAX_HOST) || '-';
  const head = `<${PRIORITY}>1 ${event.at} ${host} ${programOf(source)} ${source.pid} ${MESSAGE_ID}`;
  const message = Buffer.from(
    `${head} [meta sequenceId="${event.seq}"] ${BOM}${auditMessage(event, source)}`,
    'utf8',
  );
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** PS3.15 A.5.1. */
export function auditMessage(event: AuditedEvent, source: AuditSource): string {
  const { at, outcome, code } = event;
  const type = eventType(event);
  const identification = {
    ...{ EventActionCode: eventAction(event), EventDateTime: at },
    EventOutcomeIndicator: String(outcome),
  };
  const auditSource = { AuditEnterpriseSiteID: source.of, AuditSourceID: programOf(source) };
  return [
    '<?xml version="1.0" encoding="UTF-8"?><AuditMessage>',
    tag('EventIdentification', identification, [
      coded('EventID', EVENT_ID[event.event]),
      ...(type === undefined ? [] : [coded('EventTypeCode', type)]),
      ...(code === null
        ? []
        : [`<EventOutcomeDescription>${escaped(code)}</EventOutcomeDescription>`]),
    ]),
    ...participantsOf(event, source).map(activeParticipant),
    tag('AuditSourceIdentification', auditSource, [
      coded('AuditSourceTypeCode', { code: '4', display: 'Application Server' }, 'RFC-3881'),
    ]),
    ...participantObjects(event),
    '</AuditMessage>',
  ].join('');
}

function activeParticipant(participant: Participant): string {
  const { id, alternativeId, trust, isRequestor, roles, localRole, network, media } = participant;
  const alternative = alternativeId ?? (trust === null ? null : `${id}@${trust}`);
  return tag(
    'ActiveParticipant',
    {
      UserID: id,
      ...(alternative === null ? {} : { AlternativeUserID: alternative }),
      UserIsRequestor: String(isRequestor),
      ...(network === null
        ? {}
        : {
            NetworkAccessPointID: network.address,
            NetworkAccessPointTypeCode: network.type,
          }),
    },
    [
      ...roles.map((role) => coded('RoleIDCode', role)),
      ...(localRole === ''
        ? []
        : [coded('RoleIDCode', { code: localRole, display: localRole }, '99CDIP')]),
      ...(media === null ? [] : [tag('MediaIdentifier', {}, [coded('MediaType', media)])]),
    ],
  );
}
