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

export function askPydicom(
  paths: readonly string[],
  keywords: readonly string[],
): Promise<PydicomView[]> {
  return new Promise((resolve, reject) => {
    const python = spawn(PYTHON, ['-c', SCRIPT, keywords.join(',')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    python.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    python.on('error', reject);
    python.on('close', (code) => {
      if (code !== 0) return reject(new Error(`pydicom ended with ${code}`));
      const lines = output.split('\n').filter((line) => line !== '');
      resolve(lines.map((line) => JSON.parse(line) as PydicomView));
    });
    python.stdin.end(`${paths.join('\n')}\n`);
  });
}
