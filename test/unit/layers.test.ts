/** Who may import whom, kept as a table and enforced on every import; and how long a file may be. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';

const ROOT = join(import.meta.dirname, '..', '..');
const MAX_LINES = 500;
const MAX_MEDIAN_LINES = 150;

/**
 * Layer → layers it may import; its own is always allowed. A layer is a folder, or a file named
 * with its extension. `*` stands for all of the same side but its main, `(types)` allows only
 * `import type`.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  shared: [],

  'edge/config.ts': ['shared', 'edge/config-routes.ts'],
  'edge/config-routes.ts': ['shared', 'edge/deidentify'],
  'edge/database.ts': ['shared', 'edge/*'],
  'edge/schema-parts.ts': ['edge/*', 'edge/database.ts'],
  'edge/access': ['shared'],
  'edge/ul': ['shared'],
  'edge/dimse': ['shared', 'edge/ul'],
  'edge/spool': ['shared'],
  'edge/index': ['shared', 'edge/spool'],
  'edge/outbox': ['shared', 'edge/index'],
  'edge/hl7': ['shared', 'edge/index'],
  'edge/ris': ['shared', 'edge/hl7'],
  'edge/scp': [
    'shared',
    'edge/dimse',
    'edge/ul (types)',
    'edge/spool',
    'edge/index',
    'edge/outbox',
    'edge/deliver',
    'edge/transcode (types)',
  ],
  'edge/coerce': ['shared'],
  'edge/retention': ['shared', 'edge/index', 'edge/spool'],
  'edge/crawl': ['shared', 'edge/dimse', 'edge/index', 'edge/scp (types)'],
  'edge/retrieve': [
    ...['shared', 'edge/dimse', 'edge/index', 'edge/spool', 'edge/crawl'],
    'edge/dicomweb',
  ],
  'edge/deidentify': ['shared', 'edge/transcode'],
  'edge/transcode': ['shared'],
  'edge/uplink': ['shared', 'edge/outbox', 'edge/index', 'edge/commands (types)'],
  'edge/commands': [
    ...['shared', 'edge/index', 'edge/outbox', 'edge/spool'],
    ...['edge/transfer', 'edge/coerce', 'edge/deliver'],
  ],
  'edge/transfer': ['shared', 'edge/spool', 'edge/index'],
  'edge/deliver': [
    ...['shared', 'edge/ul', 'edge/dimse', 'edge/spool', 'edge/index'],
    'edge/transcode',
  ],
  'edge/documents': ['shared', 'edge/spool'],
  'edge/reports': ['shared', 'edge/index', 'edge/spool', 'edge/deliver', 'edge/documents'],
  'edge/notes': ['shared', 'edge/index', 'edge/spool', 'edge/deliver', 'edge/documents'],
  'edge/dicomweb': [
    ...['shared', 'edge/index', 'edge/spool', 'edge/scp', 'edge/dimse (types)'],
    'edge/transcode',
  ],
  'edge/route': [
    'shared',
    'edge/index',
    'edge/spool',
    'edge/deliver',
    'edge/coerce',
    'edge/deidentify',
    'edge/transcode',
  ],
  'edge/teaching': [
    ...['shared', 'edge/database.ts', 'edge/index', 'edge/spool', 'edge/route', 'edge/dicomweb'],
    ...['edge/deidentify (types)', 'edge/scp (types)', 'edge/transcode (types)'],
  ],
  'edge/health': [
    ...[
      'shared',
      'edge/access (types)',
      'edge/ul',
      'edge/dimse',
      'edge/index',
      'edge/outbox',
      'edge/spool',
    ],
    'edge/hl7 (types)',
  ],
  'edge/configuration': ['shared'],
  'edge/upgrade': ['shared'],
  'edge/support': ['shared'],
  'edge/doctor': [
    ...[
      'shared',
      'edge/access (types)',
      'edge/ul',
      'edge/dimse',
      'edge/spool',
      'edge/index',
      'edge/hl7',
    ],
    ...['edge/crawl', 'edge/retrieve'],
  ],
  'edge/http': [
    'edge/audit (types)',
    ...['shared', 'edge/spool', 'edge/index', 'edge/outbox', 'edge/transfer', 'edge/commands'],
    ...[
      'edge/deliver',
      'edge/health',
      'edge/scp',
      'edge/dicomweb',
      'edge/retention (types)',
      'edge/configuration (types)',
      'edge/route (types)',
    ],
  ],
  'edge/audit': [...['shared', 'edge/dimse', 'edge/ul (types)']],
  'edge/conformance': [...['shared', 'edge/ul', 'edge/dimse', 'edge/scp', 'edge/deliver']],
  'edge/cli': ['shared', 'edge/*', 'edge/main.ts'],
  'edge/status-health.ts': ['shared', 'edge/*'],
  'edge/status-names.ts': ['edge/*', 'shared'],
  'edge/status-troubles.ts': [
    ...['shared', 'edge/*', 'edge/status-health.ts'],
    'edge/status-view.ts (types)',
  ],
  'edge/status-view.ts': [
    ...['shared', 'edge/*', 'edge/status-health.ts', 'edge/status-troubles.ts'],
    'edge/status-names.ts',
  ],
  'edge/operations.ts': ['shared', 'edge/*'],
  'edge/remote-work.ts': ['shared', 'edge/*'],
  'edge/start-options.ts': ['shared', 'edge/*'],
  'edge/start-teaching.ts': ['shared', 'edge/*', 'edge/start-options.ts'],
  'edge/start-services.ts': ['shared', 'edge/*', 'edge/schema-parts.ts'],
  'edge/start-audit.ts': ['shared', 'edge/*'],
  'edge/start-following.ts': ['shared', 'edge/*', 'edge/start-options.ts'],
  'edge/join-hub.ts': ['shared', 'edge/*'],
  'edge/start-parts.ts': [
    ...['shared', 'edge/*', 'edge/operations.ts', 'edge/status-view.ts'],
    ...['edge/start-services.ts', 'edge/start-following.ts'],
    ...['edge/start-teaching.ts', 'edge/start-options.ts'],
    ...['edge/join-hub.ts', 'edge/start-audit.ts', 'edge/remote-work.ts'],
  ],
  'edge/main.ts': ['shared', 'edge/*', 'edge/start-parts.ts'],

  'hub/config.ts': ['shared'],
  'hub/mail.ts': [],
  'hub/config-alerts.ts': ['shared'],
  'hub/config-sign-in.ts': ['shared', 'hub/access'],
  'hub/log': ['shared'],
  'hub/access': ['shared', 'hub/log'],
  'hub/identity': ['shared', 'hub/log (types)'],
  'hub/projection': ['shared', 'hub/log', 'hub/identity'],
  'hub/search': ['shared', 'hub/projection'],
  'hub/reports': [
    ...['shared', 'hub/identity', 'hub/search'],
    ...['hub/log (types)', 'hub/projection (types)'],
  ],
  'hub/fetch': ['shared', 'hub/log', 'hub/projection', 'hub/access', 'hub/search'],
  'hub/audit': ['shared', 'hub/search', 'hub/fetch (types)'],
  'hub/relations': [
    ...['shared', 'hub/access', 'hub/identity', 'hub/search', 'hub/reports'],
    ...['hub/log (types)', 'hub/projection (types)'],
  ],
  'hub/teaching': [
    ...['shared', 'hub/identity', 'hub/relations', 'hub/access (types)', 'hub/log (types)'],
    ...['hub/projection (types)', 'hub/search (types)'],
  ],
  'hub/relay': ['shared', 'hub/access (types)'],
  'hub/prefetch': [
    ...['shared', 'hub/identity', 'hub/search', 'hub/fetch', 'hub/access (types)'],
    'hub/relations (types)',
  ],
  'hub/measures': ['shared', 'hub/projection', 'hub/mail.ts'],
  'hub/configuration': ['shared', 'hub/log (types)', 'hub/fleet (types)'],
  'hub/support': ['shared', 'hub/access (types)', 'hub/log (types)'],
  'hub/releases': ['shared', 'hub/log (types)', 'hub/projection (types)'],
  'hub/fleet': ['shared', 'hub/projection', 'hub/log'],
  'hub/fhir': ['shared', 'hub/scheduling', 'hub/reports (types)', 'hub/search (types)'],
  'hub/scheduling': [
    ...['shared', 'hub/log', 'hub/projection', 'hub/access', 'hub/identity', 'hub/search'],
    ...['hub/fetch', 'hub/scheduling/rules', 'hub/scheduling/travel', 'hub/mail.ts'],
  ],
  'hub/scheduling/rules': [],
  'hub/scheduling/travel': ['shared', 'hub/scheduling/rules'],
  'hub/alerts': [
    'hub/relations',
    ...['shared', 'hub/log', 'hub/projection', 'hub/fleet', 'hub/fetch'],
    ...['hub/access (types)', 'hub/mail.ts'],
  ],
  'hub/dicomweb': ['shared', 'hub/access', 'hub/search', 'hub/fetch', 'hub/relay'],
  'hub/web': ['shared', 'hub/search', 'hub/measures (types)'],
  'hub/http': ['shared', 'hub/*'],
  'hub/cli': ['shared', 'hub/*', 'hub/main.ts'],
  'hub/answer-edges.ts': ['shared', 'hub/*'],
  'hub/start-audit.ts': ['shared', 'hub/*'],
  'hub/start-followers.ts': ['shared', 'hub/*'],
  'hub/remote-work.ts': ['shared', 'hub/*'],
  'hub/main.ts': [
    'shared',
    'hub/*',
    'hub/answer-edges.ts',
    'hub/start-audit.ts',
    'hub/start-followers.ts',
    'hub/remote-work.ts',
  ],

  bin: ['shared', 'edge/cli', 'hub/cli'],
  demo: ['shared'],
};

/** Every layer of a side may read its configuration. */
const CONFIG = /^(edge|hub)\/config(-routes|-alerts|-sign-in)?\.ts$/;

/** The most exact layer that a file is in. */
function layerOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((layer) => file === layer || file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function mayImport(from: string, to: string, typesOnly: boolean): boolean {
  const side = to.split('/')[0] ?? '';
  if (from === to || (CONFIG.test(to) && from.startsWith(`${side}/`))) return true;
  const allowed = MAY_IMPORT[from] ?? [];
  if (allowed.includes(to)) return true;
  if (allowed.includes(`${side}/*`) && !/\/(main\.ts|cli)$/.test(to)) return true;
  return typesOnly && allowed.includes(`${to} (types)`);
}

interface Import {
  readonly target: string;
  readonly typesOnly: boolean;
}

/** Static and dynamic imports, and re-exports, of files of the project. */
function importsOf(text: string): Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'(\.[^']+)'/gm);
  const dynamic = text.matchAll(/\bimport\(\s*'(\.[^']+)'/g);
  return [
    ...[...statements].map(([, type, target = '']) => ({ target, typesOnly: type !== undefined })),
    ...[...dynamic].map(([, target = '']) => ({ target, typesOnly: false })),
  ];
}

const sources = globSync('{bin,demo,edge,hub,shared}/**/*.ts', { cwd: ROOT }).sort();
const lines = new Map(
  [...sources, ...globSync('test/**/*.ts', { cwd: ROOT })]
    .filter((file) => !file.endsWith('.generated.ts'))
    .map((file) => [file, readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1] as const),
);

t.test('every import goes the way that its layer allows', async (t) => {
  const wrong: string[] = [];
  for (const file of sources) {
    const from = layerOf(file);
    if (from === undefined) {
      wrong.push(`${file} is in no layer`);
      continue;
    }
    for (const { target, typesOnly } of importsOf(readFileSync(join(ROOT, file), 'utf8'))) {
      const path = normalize(join(dirname(file), target));
      const to = layerOf(path);
      if (to === undefined || !mayImport(from, to, typesOnly)) {
        wrong.push(`${file} may not import ${path}`);
      }
    }
  }
  t.strictSame(wrong, []);
  t.ok(sources.length > 50, 'the sources were found');
});

t.test('no file has more than 500 lines', async (t) => {
  const long = [...lines].filter(([, count]) => count > MAX_LINES).map(([file]) => file);
  t.strictSame(long, []);
});

t.test('the median file has at most 150 lines', async (t) => {
  const sorted = [...lines.values()].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  t.ok(median <= MAX_MEDIAN_LINES, `the median is ${median}`);
});

t.test('a dynamic import and a re-export are imports too', async (t) => {
  const text = "export { x } from '../hub/x.ts';\nconst y = await import('./y.ts');\n";
  t.strictSame(
    importsOf(text).map(({ target }) => target),
    ['../hub/x.ts', './y.ts'],
  );
});
