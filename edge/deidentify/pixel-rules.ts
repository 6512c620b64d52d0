/**
 * Whether an object's pixels, or the document in it, may show who the patient is. Denied unless the kind of
 * object is known not to: nobody looks at each image. PS3.15 §E.3.1.
 */
import { Tag } from '../../shared/dicom/tag.ts';
import { type Mask, maskFor } from './masks.ts';
import { type Subject, SubjectTag } from './subject.ts';
import { WithheldError } from './withheld.ts';

export type PixelVerdict =
  | { readonly kind: 'clean' }
  /** To be blanked as the mask says. */
  | { readonly kind: 'masked'; readonly mask: Mask };

/** Devices of these write names and dates into the picture as a rule. */
const WRITING_MODALITIES = new Set([
  'US',
  'IVUS',
  'BDUS',
  'XA',
  'RF',
  'NM',
  'PX',
  'ECG',
  'EPS',
  'HD',
]);
/** Whose attribute Burned In Annotation is believed when it says no. */
const BELIEVED = new Set(['XA', 'RF', 'NM', 'PX']);
/** What shows a person. */
const PHOTOGRAPHS = new Set(['XC', 'ES', 'GM', 'OP', 'OPM', 'DMS']);
/** Ultrasound, nuclear medicine, angiography and fluoroscopy by their SOP class: the modality may be wrong. */
const WRITTEN_CLASS =
  /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(3|3\.1|6|6\.1|6\.2|5|20|12\.[123](\.\d)?)$/;
/** Reports of doses and screens that some scanners store as images of their own modality. */
const CAPTURED_TYPE = /SCREEN|CAPTURE|SAVE|DOSE|REPORT|PASTED/;
/** The same, where the type does not tell. */
const CAPTURED_DESCRIPTION =
  /\bDOSE (REPORT|INFO|RECORD|SUMMARY|SHEET)|\bPATIENT PROTOCOL|\bEXAM (PROTOCOL|SUMMARY)|\bSCREEN ?(SAVE|SHOT|CAPTURE)/;
/** Radiographs, CT, MR, PET: of these only what was drawn on a screen has colours. */
const GREY_CLASS = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(1|1\.[123](\.1)?|2|4|128)$/;
const SECONDARY_CAPTURE = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.\d+)?$/;
const ENCAPSULATED = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.104\.\d+$/;
const VIDEO_CLASS = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.77\.1\.(1|2|4)\.1$/;
/** MPEG-2, MPEG-4, HEVC. PS3.5 §A.4.5 on. */
const VIDEO_SYNTAX = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/;

/** @param masks none, when pixels are not to be changed @throws WithheldError */
export function pixelVerdict(
  subject: Subject,
  transferSyntaxUID: string,
  masks: readonly Mask[],
): PixelVerdict {
  const never = neverGivenOut(subject, transferSyntaxUID);
  if (never !== undefined) throw never;
  const risk = burnedIn(subject);
  if (risk === undefined) return { kind: 'clean' };
  const mask = maskFor(subject, masks);
  if (mask === undefined) throw risk;
  return { kind: 'masked', mask };
}

/** What no mask helps. */
function neverGivenOut(subject: Subject, transferSyntaxUID: string): WithheldError | undefined {
  const { sopClassUID, text } = subject;
  const modality = text(Tag.Modality).toUpperCase();
  if (ENCAPSULATED.test(sopClassUID) || modality === 'DOC')
    return new WithheldError('DOCUMENT', 'a document of another format is not looked into');
  if (VIDEO_SYNTAX.test(transferSyntaxUID) || VIDEO_CLASS.test(sopClassUID))
    return new WithheldError('VIDEO', 'a video is not looked into');
  const isRecognizable = text(SubjectTag.RecognizableVisualFeatures).toUpperCase() === 'YES';
  if (PHOTOGRAPHS.has(modality) || isRecognizable)
    return new WithheldError('PHOTOGRAPH', 'it may show the person');
  if (subject.hasOverlayInPixels)
    return new WithheldError('OVERLAY_IN_PIXELS', 'an overlay is in unused bits of the pixels');
  return undefined;
}

function burnedIn(subject: Subject): WithheldError | undefined {
  const { sopClassUID, text } = subject;
  const modality = text(Tag.Modality).toUpperCase();
  const says = text(SubjectTag.BurnedInAnnotation).toUpperCase();
  if (says === 'YES')
    return new WithheldError('BURNED_IN', 'it says that identity is burned in; it has no mask');
  if (isCapture(subject))
    return new WithheldError('SCREEN_CAPTURE', 'a secondary capture may show anything');
  const isBelieved = BELIEVED.has(modality) && says === 'NO';
  const isWritten = WRITING_MODALITIES.has(modality) || WRITTEN_CLASS.test(sopClassUID);
  if (isWritten && !isBelieved)
    return new WithheldError(
      'DEVICE_WRITES_INTO_PIXELS',
      `${modality} devices write into the picture; this one has no mask`,
    );
  return undefined;
}

function isCapture({ sopClassUID, text, number }: Subject): boolean {
  return (
    SECONDARY_CAPTURE.test(sopClassUID) ||
    CAPTURED_TYPE.test(text(SubjectTag.ImageType).toUpperCase()) ||
    CAPTURED_DESCRIPTION.test(text(SubjectTag.SeriesDescription).toUpperCase()) ||
    text(SubjectTag.ConversionType) !== '' ||
    (GREY_CLASS.test(sopClassUID) && (number(SubjectTag.SamplesPerPixel) ?? 1) > 1)
  );
}
