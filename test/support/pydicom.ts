/** pydicom as a second opinion on files: what it reads of them, one JSON object a file. */
import { spawn } from 'node:child_process';

export interface PydicomView {
  readonly path: string;
  /** Absent when it could read the file. */
  readonly error?: string;
  /** Of the data set, at any depth. */
  readonly elements: number;
  readonly deepest: number;
  /** Decoded text by keyword; of several values all, with a backslash between them. */
  readonly text: Readonly<Record<string, string>>;
}

/** Debian's own Python: the one that python3-pydicom is installed for. */
export const PYTHON = '/usr/bin/python3';

const SCRIPT = `
import sys, json, warnings
warnings.simplefilter('ignore')
import pydicom
from pydicom import config
from pydicom.multival import MultiValue
def walk(ds, depth):
    n, deepest = 0, depth
    for e in ds:
        n += 1
        if e.VR == 'SQ':
            for item in e.value:
                m, d = walk(item, depth + 1)
                n += m; deepest = max(deepest, d)
    return n, deepest
for path in sys.stdin.read().split('\\n'):
    if not path: continue
    view = {'path': path, 'elements': 0, 'deepest': 0, 'text': {}}
    try:
        ds = pydicom.dcmread(path, force=False)
        for word in sys.argv[1].split(','):
            if word in ds and ds[word].value is not None:
                v = ds[word].value
                view['text'][word] = '\\\\'.join(str(x) for x in v) if isinstance(v, MultiValue) else str(v)
        view['elements'], view['deepest'] = walk(ds, 0)
    except Exception as e:
        view['error'] = type(e).__name__
    print(json.dumps(view))
`;

export async function askPydicom(
  paths: readonly string[],
  keywords: readonly string[],
): Promise<PydicomView[]> {
  const output = await python(SCRIPT, [keywords.join(',')], `${paths.join('\n')}\n`);
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as PydicomView);
}

const DIFF_SCRIPT = `
import sys, json, warnings
warnings.simplefilter('ignore')
import pydicom
def without_lengths(ds):
    for e in list(ds):
        if e.tag.element == 0: del ds[e.tag]
        elif e.VR == 'SQ':
            for item in e.value: without_lengths(item)
    return ds
def differing(pair):
    a, b = (pydicom.dcmread(path) for path in pair)
    if 'lengths' in sys.argv: a, b = without_lengths(a), without_lengths(b)
    tags = sorted(set(a.keys()) | set(b.keys()))
    return ['%08x' % t for t in tags if (t not in a) or (t not in b) or a[t] != b[t]]
print(json.dumps([differing(pair) for pair in json.load(sys.stdin)]))
`;

/** Top-level tags, 8 hexadecimal digits, that two files do not have alike. */
export async function differingTags(a: string, b: string): Promise<string[]> {
  const [tags = []] = JSON.parse(await python(DIFF_SCRIPT, [], JSON.stringify([[a, b]])));
  return tags as string[];
}

/** As {@link differingTags}, of many pairs by one process; group lengths do not count. */
export async function differingTagsOf(
  pairs: readonly (readonly [string, string])[],
): Promise<string[][]> {
  return JSON.parse(await python(DIFF_SCRIPT, ['lengths'], JSON.stringify(pairs))) as string[][];
}

function python(script: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(PYTHON, ['-c', script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`pydicom ended with ${code}`));
    });
    child.stdin.end(input);
  });
}
