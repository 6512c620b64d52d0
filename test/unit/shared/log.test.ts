/** The log: JSON lines, and never the words of an error, which may quote a patient. */
import t from 'tap';
import { ConfigError } from '../../../shared/config.ts';
import { openLog } from '../../../shared/log.ts';

function written(work: (log: ReturnType<typeof openLog>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  work(openLog('edge', { write: (line: string) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

t.test('a line holds the event, its time, its level and its fields', async (t) => {
  const [line] = written((log) => log.info('program.stopping', { signal: 'SIGTERM' }));
  t.match(line, {
    level: 'info',
    program: 'edge',
    event: 'program.stopping',
    signal: 'SIGTERM',
    at: /^\d{4}-\d\d-\d\dT.*Z$/,
  });
});

t.test('an error is told by class, code and place, without its message', async (t) => {
  const error = new ConfigError('SMITH^JOHN is no port', { cause: new Error('SMITH^JOHN') });
  const [line] = written((log) => log.error('program.bug', { where: 'test', error }));
  t.match(line, { error: { name: 'ConfigError', code: 'CONFIG_INVALID', cause: 'BUG' } });
  t.notMatch(JSON.stringify(line), 'SMITH');
});
