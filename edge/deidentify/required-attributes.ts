/**
 * Where an attribute whose action is a combination (X/Z, X/D, …) has to stay in an object, and whether with
 * a value: its type in the modules of the object's IOD. PS3.3; PS3.5 §7.4.
 *
 * An IOD that is in no list, and an attribute within a sequence, count as the strictest.
 */
type Requirement = 'value' | 'empty' | 'none';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const MR = '1.2.840.10008.5.1.4.1.1.4';
const PET = '1.2.840.10008.5.1.4.1.1.128';

/** IODs of one frame an object, whose modules are those of the first edition: what is optional there is said below. */
const CLASSIC = [
  ...[CT, MR, PET],
  // CR, NM, US, US multi-frame, secondary capture, XA, RF
  ...['1', '20', '6.1', '3.1', '7', '7.1', '7.2', '7.3', '7.4', '12.1', '12.2'].map(imageStorage),
];
const ULTRASOUND = ['6.1', '3.1'].map(imageStorage);
/** XA, RF. */
const X_RAY = ['12.1', '12.2'].map(imageStorage);
/** DX, mammography, intra-oral, for presentation and for processing. */
const PROJECTION = ['1.1', '1.1.1', '1.2', '1.2.1', '1.3', '1.3.1'].map(imageStorage);
/** RT image, dose, structure set, plan, treatment records. */
const RADIOTHERAPY = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].map((n) =>
  imageStorage(`481.${n}`),
);
/** Basic text, enhanced, comprehensive, comprehensive 3D, mammography CAD, chest CAD, dose, key objects. */
const DOCUMENTS = ['11', '22', '33', '34', '50', '65', '67', '59'].map((n) =>
  imageStorage(`88.${n}`),
);
/** Documents in other formats: PDF, CDA. */
const ENCAPSULATED = ['104.1', '104.2'].map(imageStorage);

function imageStorage(suffix: string): string {
  return `1.2.840.10008.5.1.4.1.1.${suffix}`;
}

type Rule = readonly [classes: readonly string[], requirement: Requirement];

/** The first list that has the SOP class counts. */
const RULES: ReadonlyMap<number, readonly Rule[]> = new Map<number, readonly Rule[]>([
  // Acquisition Context Sequence: type 2 of its module, which these lack.
  [0x0040_0555, [[[...CLASSIC, ...RADIOTHERAPY, ...DOCUMENTS, ...ENCAPSULATED], 'none']]],
  // Acquisition Date, Acquisition Time: PET Image, 2; else General Image, 3.
  ...pair(0x0008_0022, 0x0008_0032, [
    [[PET], 'empty'],
    [everything(), 'none'],
  ]),
  [
    // Acquisition DateTime: enhanced images, waveforms, ultrasound 1 or 1C; documents 2; General Image 3.
    0x0008_002a,
    [
      [ENCAPSULATED, 'empty'],
      [
        [
          ...CLASSIC.filter((uid) => !ULTRASOUND.includes(uid)),
          ...PROJECTION,
          ...RADIOTHERAPY,
          ...DOCUMENTS,
        ],
        'none',
      ],
    ],
  ],
  // Content Date, Content Time: General Image 2C; documents of other formats 2; SR, KOS and the newer ones 1.
  ...pair(0x0008_0023, 0x0008_0033, [
    [[...CLASSIC, ...PROJECTION, ...RADIOTHERAPY, ...ENCAPSULATED], 'empty'],
  ]),
  // Contrast/Bolus Agent: 2, but 1C in X-Ray 3D.
  [0x0018_0010, [[[...CLASSIC, ...PROJECTION], 'empty']]],
  // Device Serial Number: Enhanced General Equipment 1, General Equipment 3.
  [0x0018_1000, [[[...CLASSIC, ...PROJECTION, ...RADIOTHERAPY, ...DOCUMENTS], 'none']]],
  // Institution Name, Station Name, Institution Code Sequence: General Equipment, 3.
  [0x0008_0080, [[everything(), 'none']]],
  [0x0008_1010, [[everything(), 'none']]],
  [0x0008_0082, [[everything(), 'none']]],
  // Operators' Name: RT 2, General Series 3.
  [
    0x0008_1070,
    [
      [RADIOTHERAPY, 'empty'],
      [everything(), 'none'],
    ],
  ],
  // Operator Identification Sequence, Protocol Name: General Series, 3.
  [0x0008_1072, [[everything(), 'none']]],
  [0x0018_1030, [[everything(), 'none']]],
  // Instance Creation Date and Time: SOP Common, 3.
  ...pair(0x0008_0012, 0x0008_0013, [[everything(), 'none']]),
  // Series Date, Series Time: PET Series 1, else 3.
  ...pair(0x0008_0021, 0x0008_0031, [
    [[PET], 'value'],
    [everything(), 'none'],
  ]),
  [
    // Referenced Performed Procedure Step Sequence: SR and KOS 2, CT, MR, DX and enhanced series 1C, General Series 3.
    0x0008_1111,
    [
      [DOCUMENTS, 'empty'],
      [[...CLASSIC.filter((uid) => uid !== CT && uid !== MR), ...RADIOTHERAPY], 'none'],
    ],
  ],
  // Referenced Image Sequence: X-Ray Image and VL 1C, General Image 3.
  [
    0x0008_1140,
    [[[...CLASSIC.filter((uid) => !X_RAY.includes(uid)), ...RADIOTHERAPY, ...DOCUMENTS], 'none']],
  ],
  // Source Image Sequence: General Image, 3.
  [0x0008_2112, [[[...CLASSIC, ...PROJECTION, ...DOCUMENTS], 'none']]],
  // Referenced Study Sequence: General Study, 3, but in RT and RWV.
  [0x0008_1110, [[[...CLASSIC, ...PROJECTION, ...DOCUMENTS], 'none']]],
  // Patient's Sex Neutered: Patient Study, 2C for an animal.
  [0x0010_2203, [[[], 'empty']]],
  // Acquisition Device Processing Description; the detector's calibration and identity: 3.
  [0x0018_1400, [[everything(), 'none']]],
  ...pair(0x0018_700c, 0x0018_700e, [[everything(), 'none']]),
  [0x0018_700a, [[everything(), 'none']]],
  // Start and End Acquisition DateTime: X-Ray 3D 1C.
  ...pair(0x0018_9516, 0x0018_9517, [[[...CLASSIC, ...PROJECTION], 'none']]),
  // Requested Procedure Description: of a request, 3.
  [0x0032_1060, [[everything(), 'none']]],
]);

function pair(date: number, time: number, rules: readonly Rule[]): [number, readonly Rule[]][] {
  return [
    [date, rules],
    [time, rules],
  ];
}

/** Every SOP class. */
function everything(): readonly string[] {
  return ['*'];
}

/** @param depth of the element; 0: of the data set itself */
export function requirementOf(tag: number, sopClassUID: string, depth: number): Requirement {
  if (depth > 0) return 'value';
  const rule = RULES.get(tag)?.find(
    ([classes]) => classes.includes('*') || classes.includes(sopClassUID),
  );
  return rule?.[1] ?? 'value';
}
