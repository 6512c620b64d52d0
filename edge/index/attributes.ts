/** What the index keeps of an object: the attributes of PS3.3 that a study list, a series list and the hub show. */

/** A patient as one object names it. Text is Unicode; absent and empty are null. */
export interface PatientAttributes {
  /** (0010,0020); '' when absent. */
  readonly patientId: string;
  /** (0010,0021) or its qualifiers; null: the trust's own namespace. */
  readonly issuer: string | null;
  /** Ten digits with a right check digit, qualified as an NHS number by the object. */
  readonly nhsNumber: string | null;
  readonly patientName: string | null;
  /** YYYYMMDD. */
  readonly birthDate: string | null;
  readonly sex: string | null;
}

export interface StudyAttributes {
  readonly studyInstanceUID: string;
  readonly studyDate: string | null;
  readonly studyTime: string | null;
  readonly studyId: string | null;
  readonly accessionNumber: string | null;
  readonly accessionIssuer: string | null;
  readonly studyDescription: string | null;
  readonly referringPhysician: string | null;
  readonly institution: string | null;
}

export interface SeriesAttributes {
  readonly seriesInstanceUID: string;
  readonly modality: string | null;
  readonly seriesNumber: number | null;
  readonly seriesDescription: string | null;
  readonly bodyPart: string | null;
}

/** A Key Object Selection that takes objects of its study back. IHE IOCM; IS-41 of the domain notes. */
export interface RejectionNote {
  /** Its title in DCM: 113001 quality, 113037 safety, 113038 wrong worklist entry, 113039 retention over. */
  readonly code: string;
  readonly sopInstanceUIDs: readonly string[];
}

export interface InstanceAttributes extends PatientAttributes, StudyAttributes, SeriesAttributes {
  readonly sopInstanceUID: string;
  readonly sopClassUID: string;
  readonly instanceNumber: number | null;
  /** Who changed it, and from where it had come: its Original Attributes, oldest first. Absent: nobody says so. */
  readonly modified?: readonly { readonly system: string; readonly source: string }[];
  /** (0040,3001). Absent: it says nothing, or that nobody is kept out. */
  readonly confidentiality?: 'R' | 'V';
  /** Absent: it takes nothing back. */
  readonly rejects?: RejectionNote;
}
