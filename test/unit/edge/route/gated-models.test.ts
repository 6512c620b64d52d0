/** A model that gets studies without the patient: by no rule, and by nothing else on its node, does he come there. */
import t from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';

const host = '127.0.0.1';
const model = (name: string, peer: string) => ({ name, peer, version: '1', returnTo: ['pacs'] });
const project = (over: object = {}) => ({
  ...{ name: 'lungs', purpose: 'direct-care', approval: 'DPIA 7', expires: '2099-12-31' },
  ...{ destination: 'nodules', profile: 'basic', keyFile: '/key', ...over },
});

const configured = (projects: readonly object[], to: string) =>
  parseEdgeConfig({
    ...{ trust: 'RRK', dataDirectory: '/nowhere' },
    peers: [
      { name: 'node', aeTitle: 'NODE', host, port: 1, role: 'ai' },
      { name: 'other', aeTitle: 'OTHER', host, port: 2, role: 'ai' },
      { name: 'pacs', aeTitle: 'PACS', host, port: 3, role: 'archive' },
    ],
    models: [model('nodules', 'node'), model('bones', 'node'), model('heads', 'other')],
    projects,
    routes: [
      { name: 'ai', action: 'disclose', project: 'lungs' },
      { name: 'plain', action: 'deliver', to: [to] },
    ],
  });

t.test('no rule delivers to its node, by whichever name', async (t) => {
  for (const to of ['nodules', 'node', 'bones'])
    t.throws(() => configured([project()], to), { message: /project "lungs"/ }, to);
  t.doesNotThrow(() => configured([project()], 'heads'));
});

t.test('direct care is for a model that gets no patient', async (t) => {
  const fault = { message: /direct-care is for a model/ };
  t.throws(() => configured([project({ profile: 'identifiable' })], 'heads'), fault);
  t.throws(() => configured([project({ destination: 'pacs' })], 'heads'), fault);
});
