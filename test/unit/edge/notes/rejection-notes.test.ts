/** Who was given a copy is told that its home has withdrawn it. edge/notes. */
import t, { type Test } from 'tap';
import type { AcceptedObject } from '../../../../edge/index/accept-object.ts';
import { removeStudy } from '../../../../edge/index/remove-study.ts';
import { KEY_OBJECT_SELECTION } from '../../../../edge/notes/note-document.ts';
import type { Spool } from '../../../../edge/spool/spool.ts';
import { readSmallDataSet } from '../../../../shared/dicom/small-data-set.ts';
import { Tag } from '../../../../shared/dicom/tag.ts';
import { eventually } from '../../../support/eventually.ts';
import { smallObject, temporaryDirectory } from '../../../support/storage-fixture.ts';
import {
  fetchCommand,
  Receiver,
  startReceiver,
  withdraw,
  withdrawalsOf,
} from '../commands/fetch-fixture.ts';
import { FakeDestinations, FakeError } from '../deliver/fake-destinations.ts';
import { STUDY, startSource } from '../transfer/transfer-fixture.ts';

const COPY = { studyInstanceUID: STUDY, home: 'RRK' };
const UIDS = ['2.999.1.1', '2.999.1.2', '2.999.1.3'];
const LITTLE = '1.2.840.10008.1.2.1';
const Title = 0x0040_a043;
const CodeValue = 0x0008_0100;
const Evidence = 0x0040_a375;
const ReferencedSeries = 0x0008_1115;
const ReferencedSOPs = 0x0008_1199;
const ReferencedUID = 0x0008_1155;

async function filledSource(t: Test): Promise<Awaited<ReturnType<typeof startSource>>> {
  const filled = await startSource(t);
  for (const number of [1, 2, 3]) await filled.send(smallObject(number));
  return filled;
}

/** What the notes among all that a peer holds say. */
function notesAt(destinations: FakeDestinations, peer = 'pacs') {
  return [...destinations.peer(peer).held]
    .filter(([uid]) => !UIDS.includes(uid))
    .map(([uid, bytes]) => {
      const note = readSmallDataSet(LITTLE, bytes);
      const [study] = note.items(Evidence);
      const objects = (study?.items(ReferencedSeries) ?? []).flatMap((one) =>
        one.items(ReferencedSOPs).map((object) => object.text(ReferencedUID)),
      );
      return {
        ...{ uid, study: study?.text(Tag.StudyInstanceUID), objects },
        code: note.items(Title)[0]?.text(CodeValue),
        patientId: note.text(Tag.PatientID),
        accessionNumber: note.text(Tag.AccessionNumber),
      };
    });
}

async function withdrawn(receiver: Receiver, id?: string): Promise<void> {
  const withdrawals = withdrawalsOf(receiver);
  await receiver.inbox.take(withdraw('RRK', id));
  await eventually('the copy is gone', () => {
    withdrawals.look();
    return receiver.storage.index.studyState(STUDY, 'RRK') === undefined;
  });
}

/** Looks until no note waits. */
async function delivered(receiver: Receiver): Promise<void> {
  const open = receiver.db
    .prepare('SELECT count(*) FROM withdrawal_notes WHERE done_at IS NULL')
    .pluck();
  await eventually('the notes have gone', async () => {
    await receiver.notes.look();
    return open.get() === 0;
  });
}

t.test('the PACS is told once, of what it was given, under the local patient', async (t) => {
  const from = await filledSource(t);
  const destinations = new FakeDestinations();
  const receiver = await startReceiver(t, { destinations });
  await receiver.inbox.take(await fetchCommand(from.url));
  await receiver.reaches('available');
  await withdrawn(receiver);
  await delivered(receiver);
  t.match(notesAt(destinations), [
    {
      ...{ study: STUDY, objects: UIDS, code: '113039', patientId: 'RJE-4711' },
      accessionNumber: /^I[0-9A-Z]{15}$/,
    },
  ]);
  t.strictSame(notesAt(destinations, 'other'), [], 'who was given nothing is told nothing');
  await withdrawn(receiver);
  await delivered(receiver);
  t.equal(destinations.peer().received.length, 4, 'once');
  const [{ uid: sopInstanceUID } = { uid: '' }] = notesAt(destinations);
  const dropped: string[] = [];
  const spool = { dropTemporary: (path: string) => dropped.push(path) } as unknown as Spool;
  const back = {
    sealed: { temporaryPath: 'x' },
    attributes: { sopInstanceUID, sopClassUID: KEY_OBJECT_SELECTION },
  };
  t.ok(receiver.notes.takeBack(spool, back as AcceptedObject), 'what the PACS sends back is ours');
  t.strictSame(dropped, ['x']);
});

t.test('a PACS that is away is told when it is back, also after kill -9', async (t) => {
  const from = await filledSource(t);
  const destinations = new FakeDestinations();
  const dataDirectory = temporaryDirectory(t);
  const first = await Receiver.open({ dataDirectory, destinations });
  await first.inbox.take(await fetchCommand(from.url));
  await first.reaches('available');
  destinations.peer().open = () => {
    throw new FakeError('CONNECT_FAILED');
  };
  await withdrawn(first);
  await first.notes.look();
  const [noted] = first.db.prepare('SELECT sop_uid FROM withdrawal_notes').pluck().all();
  await first.stop();

  destinations.peer().open = () => {};
  const second = await startReceiver(t, { dataDirectory, destinations });
  second.deliverer.retry('pacs');
  await delivered(second);
  t.match(notesAt(destinations), [{ uid: noted, objects: UIDS }]);
  t.equal(destinations.peer().received.length, 4);
});

t.test('what was under way when the word came is named too', async (t) => {
  const from = await filledSource(t);
  const destinations = new FakeDestinations();
  const receiver = await startReceiver(t, { destinations });
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  destinations.peer().status = async () => {
    await held;
    return 0;
  };
  await receiver.inbox.take(await fetchCommand(from.url));
  await eventually('an object is under way', () => destinations.peer().received.length === 1);
  const withdrawals = withdrawalsOf(receiver);
  await receiver.inbox.take(withdraw('RRK'));
  withdrawals.look();
  await receiver.reaches('cancelled');
  withdrawals.look();
  t.not(receiver.storage.index.studyState(STUDY, 'RRK'), undefined, 'it waits for that');
  release();
  await withdrawn(receiver);
  await delivered(receiver);
  t.match(notesAt(destinations), [{ objects: destinations.peer().received.slice(0, 1) }]);
});

t.test('a PACS whose copy is older than ours is told of what it was given', async (t) => {
  const from = await filledSource(t);
  const destinations = new FakeDestinations();
  const receiver = await startReceiver(t, { destinations });
  await receiver.inbox.take(await fetchCommand(from.url));
  await receiver.reaches('available');
  receiver.notes.remember(COPY);
  removeStudy(receiver.storage, COPY);
  await withdrawn(receiver);
  await delivered(receiver);
  t.match(notesAt(destinations), [{ objects: UIDS, patientId: 'RJE-4711' }]);
});

t.test('the word of the home on safety holds for the rest of the study', async (t) => {
  const from = await filledSource(t);
  const destinations = new FakeDestinations();
  const receiver = await startReceiver(t, { destinations });
  await receiver.inbox.take(await fetchCommand(from.url));
  await receiver.reaches('available');
  receiver.db
    .prepare("INSERT INTO rejections VALUES ('2.999.1.9', 'RRK', ?, '113037', '2.999.1.8', 0)")
    .run(STUDY);
  await withdrawn(receiver);
  await delivered(receiver);
  t.match(notesAt(destinations), [{ code: '113037' }]);
});

t.test('a study that came back and is withdrawn again is another note', async (t) => {
  const from = await filledSource(t);
  const destinations = new FakeDestinations();
  const receiver = await startReceiver(t, { destinations });
  for (const round of ['1', '2']) {
    await receiver.inbox.take(await fetchCommand(from.url, { fetchId: `f${round}` }));
    await receiver.reaches('available', `f${round}`);
    await withdrawn(receiver, `withdraw-${round}`);
    await delivered(receiver);
  }
  t.equal(new Set(notesAt(destinations).map(({ uid }) => uid)).size, 2);
});
