/** How the pages of staff and patient say that a RIS did not book what was being confirmed. */
import t from 'tap';
import { openPages } from '../../../../hub/web/render.ts';

const booking = {
  ...{ start: '2026-12-11T10:00:00.000Z', place: 'Royal Stoke', resourceName: 'MRI 1' },
  ...{ state: 'booked', bookingId: 'B1', reason: 'The RIS refused it: no such room' },
};
const notice = { state: 'sent', channel: 'email', at: '2026-12-01T09:00:00.000Z' };
const told = { ...booking, state: 'refused', told: 'sent', notice };
const untold = { ...told, told: 'staff' };
const request = {
  ...{ requestId: 'R1', trust: 'RRK', band: 'P4', needs: [], cancelled: null, waitDays: 1 },
  ...{ since: booking.start, breachAt: booking.start, breachDays: 2, state: 'Waiting' },
  patient: { name: 'Made^Up', birthDate: '1970-01-01', patientId: '1', postcode: null },
  examination: { name: 'MRI head' },
};
const common = {
  ...{ title: 'Page', address: '/x', transport: 'car', sort: 'soon', examination: 'MRI head' },
  ...{ faultList: [], places: [], slots: [], notOffered: [], stateItems: [], list: {} },
  ...{ flags: {}, form: {}, own: 'Queen Elizabeth', request, trustName: (ods: string) => ods },
};
const shown = (template: string, more: object): string =>
  openPages().render(template, { ...common, ...more });

t.test('the patient reads what is not booked, and what stands', async (t) => {
  const keeps = shown('appointment.njk', { booking, notBooked: told });
  t.match(keeps, /could not confirm your time/);
  t.match(keeps, /11 December 2026.*10am.*Royal Stoke is not booked/s);
  t.match(keeps, /You keep the appointment that you had/);
  t.match(shown('appointment.njk', { notBooked: told }), /You have no appointment yet/);
  t.notMatch(keeps, /no such room/, 'the reason is for staff');
});

const taken = { ...told, state: 'cancelled', isTakenAway: true, reason: 'Cancelled in the RIS' };

t.test('an appointment that the RIS took or changed is told as that', async (t) => {
  const patient = shown('appointment.njk', { notBooked: taken });
  t.match(patient, /hospital cancelled your appointment.*is cancelled.*keep your place/s);
  t.match(
    shown('appointment.njk', { booking, moved: taken }),
    /hospital changed your appointment.*It was.*11 December 2026/s,
  );
  const staff = shown('booking-request.njk', { notBooked: { ...taken, told: 'staff' } });
  t.match(staff, /Cancelled:.*waits in the old turn.*phone them.*action="\/x\/told".*value="B1"/s);
  t.match(shown('booking-request.njk', { booking, moved: taken }), /RIS changed.*It was.*told by/s);
  const list = shown('booking.njk', { requests: [{ ...request, notBooked: taken }] });
  t.match(list, /Cancelled in the RIS: Friday 11 December 2026/);
});

t.test('staff read the reason, and whether they have to phone', async (t) => {
  const page = shown('booking-request.njk', { booking, notBooked: told });
  t.match(page, /no such room.*slot is free again.*still stands.*told by email/s);
  const phoned = shown('booking-request.njk', { notBooked: untold });
  t.match(phoned, /has no appointment.*No message reaches the patient: phone them/s);
  const list = shown('booking.njk', { requests: [{ ...request, notBooked: untold }] });
  t.match(list, /Not booked: Friday 11 December 2026.*phone the patient/s);
});
