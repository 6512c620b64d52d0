/** What is started is stopped in reverse, once, and one failure does not stop the rest. */
import t from 'tap';
import { Lifecycle } from '../../../shared/lifecycle.ts';
import { type Log, silentLog } from '../../../shared/log.ts';

t.test('parts stop in reverse order, once, however often it is asked', async (t) => {
  const stopped: string[] = [];
  const lifecycle = new Lifecycle(silentLog);
  for (const name of ['database', 'listener', 'http'])
    lifecycle.add(name, () => void stopped.push(name));
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  t.same(stopped, ['http', 'listener', 'database']);
});

t.test('a part that fails to stop is logged and the others still stop', async (t) => {
  const failed: string[] = [];
  const stopped: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (_event, fields) => void failed.push((fields as { part: string }).part),
  };
  const lifecycle = new Lifecycle(log);
  lifecycle.add('database', () => void stopped.push('database'));
  lifecycle.add('listener', () => Promise.reject(new Error('busy')));
  await lifecycle.stop();
  t.same(failed, ['listener']);
  t.same(stopped, ['database']);
});
