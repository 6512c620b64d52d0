/** Real objects, of any kind and state, over the whole way of a fetch. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { dicomCoercing } from '../../../../edge/commands/coercing.ts';
import { readDataSet } from '../../../../edge/spool/read-instance.ts';
import { realFiles } from '../../../support/corpus.ts';
import { eventually } from '../../../support/eventually.ts';
import { readPart10 } from '../../../support/part10.ts';
import { storeRequest } from '../../../support/storage-fixture.ts';
import { type Source, startSource, ticket } from '../transfer/transfer-fixture.ts';
import { fetchCommand, startReceiver } from './fetch-fixture.ts';

const DEFLATED = '1.2.840.10008.1.2.1.99';

async function sendFile(source: Source, file: string): Promise<void> {
  const { dataSet, ...identity } = readPart10(file);
  const sink = source.store({ ...storeRequest(), ...identity });
  await sink.write(dataSet);
  await sink.end();
}

t.test(
  'each object arrives as a copy that leads back to the original',
  { timeout: 300_000 },
  async (t) => {
    const source = await startSource(t);
    const files = realFiles();
    for (const file of files) await sendFile(source, file);
    const studies = source.index.studyKeys();
    t.ok(studies.length > 20, `${studies.length} studies of ${files.length} files`);
    const receiver = await startReceiver(t);
    for (const [number, { studyInstanceUID }] of studies.entries())
      await receiver.inbox.take(
        await fetchCommand(source.url, {
          fetchId: `f${number}`,
          studyInstanceUID,
          ticket: await ticket({ study: studyInstanceUID }),
          localPatient: { patientId: 'RJE-4711', patientName: 'Phantom^Local' },
        }),
      );
    await eventually('all are over', () => receiver.store.openCount() === 0, {
      timeoutMs: 240_000,
    });
    const failures = studies.flatMap((_, number) => receiver.store.failures(`f${number}`));
    t.strictSame(failures, [], 'nothing failed');
    const { index, spool } = receiver.storage;
    const delivered = receiver.destinations.peer().held;
    for (const study of studies) {
      const there = source.index.studyState(study.studyInstanceUID, 'RRK');
      const here = index.studyState(study.studyInstanceUID, 'RRK');
      t.equal(here?.setHash, there?.setHash, study.studyInstanceUID);
      t.match(here?.patient, { patientId: 'RJE-4711', issuer: 'RJE' });
      for (const copy of index.instancesOf(study)) {
        t.equal(delivered.get(copy.sopInstanceUID)?.length, copy.dataSetBytes);
        // Other software deflates to other bytes.
        if (copy.transferSyntaxUID === DEFLATED) continue;
        const open = (): AsyncIterable<Buffer> => readDataSet(spool.absolute(copy.path), copy);
        const hash = createHash('sha256');
        const { transferSyntaxUID } = copy;
        for await (const chunk of dicomCoercing.restore({ open, transferSyntaxUID, trust: 'RJE' }))
          hash.update(chunk);
        t.equal(hash.digest('hex'), copy.homeDigest, copy.sopInstanceUID);
        t.equal(delivered.get(copy.sopInstanceUID)?.length, copy.dataSetBytes);
      }
    }
  },
);
