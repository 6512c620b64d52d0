/** PS3.8 table 9-10, written down again as the standard prints it: a row an event, a column a state. */
const TABLE = `
1  AE-1 -    -    -    -    -    -    -    -    -     -    -    -
2  -    -    -    AE-2 -    -    -    -    -    -     -    -    -
3  -    AA-1 AA-8 -    AE-3 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
4  -    AA-1 AA-8 -    AE-4 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
5  AE-5 -    -    -    -    -    -    -    -    -     -    -    -
6  -    AE-6 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
7  -    -    AE-7 -    -    -    -    -    -    -     -    -    -
8  -    -    AE-8 -    -    -    -    -    -    -     -    -    -
9  -    -    -    -    -    DT-1 -    AR-7 -    -     -    -    -
10 -    AA-1 AA-8 -    AA-8 DT-2 AR-6 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
11 -    -    -    -    -    AR-1 -    -    -    -     -    -    -
12 -    AA-1 AA-8 -    AA-8 AR-2 AR-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
13 -    AA-1 AA-8 -    AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3 AA-8 AA-6
14 -    -    -    -    -    -    -    AR-4 AR-9 -     -    AR-4 -
15 -    -    AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1  AA-1 AA-1 -
16 -    AA-2 AA-3 -    AA-3 AA-3 AA-3 AA-3 AA-3 AA-3  AA-3 AA-3 AA-2
17 -    AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4  AA-4 AA-4 AR-5
18 -    AA-2 -    -    -    -    -    -    -    -     -    -    AA-2
19 -    AA-1 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
`;

/** The state after an action. PS3.8 tables 9-6 to 9-9; AR-8 as the requestor of the association. */
export const NEXT_STATE: Readonly<Record<string, number>> = {
  ...{ 'AE-1': 4, 'AE-2': 5, 'AE-3': 6, 'AE-4': 1, 'AE-5': 2, 'AE-6': 3, 'AE-7': 6, 'AE-8': 13 },
  ...{ 'DT-1': 6, 'DT-2': 6, 'AR-1': 7, 'AR-2': 8, 'AR-3': 1, 'AR-4': 13, 'AR-5': 1, 'AR-6': 7 },
  ...{ 'AR-7': 8, 'AR-8': 9, 'AR-9': 11, 'AR-10': 12 },
  ...{ 'AA-1': 13, 'AA-2': 1, 'AA-3': 1, 'AA-4': 1, 'AA-5': 1, 'AA-6': 13, 'AA-7': 13, 'AA-8': 13 },
};

export interface StandardCell {
  readonly event: number;
  readonly state: number;
  /** Undefined: the event can't happen there. */
  readonly action: string | undefined;
}

export const STANDARD_CELLS: readonly StandardCell[] = TABLE.trim()
  .split('\n')
  .flatMap((line) => {
    const [event, ...actions] = line.trim().split(/\s+/);
    return actions.map((action, at) => ({
      ...{ event: Number(event), state: at + 1 },
      action: action === '-' ? undefined : action,
    }));
  });
