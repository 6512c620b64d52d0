/** The peer of `bench send` that grants the operations window, as DCMTK's storescp does not: an edge's port. */
import { startDicomPort } from '../support/dicom-port.ts';
import { answerQuestions } from './bench-child.ts';

const [host = '', port = ''] = process.argv.slice(2);
const granting = await startDicomPort({ host, port: Number(port) });

/** How many objects came since it was asked last. */
await answerQuestions(async () => ({ received: granting.received.splice(0).length }));
await granting.stop();
process.exit(0);
