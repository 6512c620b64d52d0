/**
 * What a message changes, by its type. Pure.
 *
 *   Message ─► ADT │ ORM, OMG, OMI, ORL, … │ ORU │ SIU ─► RecordChange[]
 */
import type { RecordChange } from '../index/records/types.ts';
import type { Message } from './message.ts';
import { readAdmission } from './read-admission.ts';
import { readAppointment } from './read-appointment.ts';
import { readOrders } from './read-order.ts';
import { readReports } from './read-report.ts';
import type { Reading } from './reading.ts';

/** @returns undefined for a message that concerns nothing that is kept here @throws Hl7Error */
export function readChanges(message: Message, reading: Reading): RecordChange[] | undefined {
  switch (message.type) {
    case 'ADT':
      return readAdmission(message, reading);
    case 'ORM':
    case 'OMG':
    case 'OMI':
      return readOrders(message, reading);
    case 'ORU':
      return readReports(message, reading);
    case 'SIU':
      return readAppointment(message, reading);
    default:
      return undefined;
  }
}
