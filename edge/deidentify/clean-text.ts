/**
 * Descriptions, cleaned: of their words only those stay that name a part of the body, a technique, a
 * direction or a device, and small numbers. A list of what may stay, never one of what must go.
 */

const WORDS = `
abdo abdomen abdominal acetabulum acquisition acute adc adrenal angio angiogram angiography ankle anterior aorta
aortic ap apical arch arm arterial artery arthrogram aspect attenuation average axial axis axr b0 barium base bilateral
biliary bladder blood body bolus bone bowel brain breast bronchial bolus-tracking c-spine calcaneum calcium calf cardiac
carotid caudal cavity cc cephalic cerebral cervical chest circle clavicle clinical coccyx collimated colon colonography
column composite contrast cor coronal coronary correction cranial craniocaudal cranium cspine ct cta ctpa curve cxr
decubitus delayed dentition derived diagonal diaphragm diffusion digital dixon dorsal dose dual duodenum dwi dynamic
dx early echo elbow endoscopy enhanced epi erect esophagus excretory expiration extension exam extremity eye face facial
fast fat fatsat femoral femur fetal fibula field filter finger fingers first fiesta flair flexion fluoroscopy flow foot
foramen forearm forefoot frontal fse fusion gadolinium gallbladder gated gradient gre groin hand haste head heart heel
helical hemidiaphragm hepatic hilum hindfoot hip hips hr hrct humerus iac ileum iliac image images inferior inguinal
inspiration intervention intestine invert inversion ischium iv ivu jaw joint joints kidney kidneys knee knees kub l-spine
laryngeal larynx lat lateral left leg legs lengths lesser limb lipid liver lobe localiser localizer long loop low lower
lspine lumbar lumbosacral lung lungs lymph magnetic mammo mammogram mammography mandible map mastoid maxilla maxillary
mean medial mediastinum mesenteric mip mlo mono motion mpr mr mra mrcp mri mrv multi muscle myelogram nasal navicular
neck nm non none noncontrast normal nose nuclear oblique obl occipital odontoid oesophagus of off on open opg optic
orbit orbital orbits outlet ovary p pa pancreas parametric parasagittal parotid part patella pd pediatric pelvic pelvis
penis perfusion perineum peripheral pet phase phases phantom plain plan plane planes plantar portal post posterior
postcontrast pre precontrast prone prostate protocol proton pulmonary qa quadrant radiograph radius range raw recon
reconstruction rectum reference reformat regional renal resolution resonance resp rest retro rib ribs right rotation
routine rt sacral sacroiliac sacrum sag sagittal scan scanogram scaphoid scapula scout screening scrotum se segment
sella sequence series shoulder shoulders sinus sinuses si single skeletal skeleton skull skyline slab slice slices small
soft spect spgr spin spinal spine spiral spleen stacked standard standing stent sternum stir stomach stone stress study
sub subtraction sub-mandibular superior supine supraclavicular surface survey swi swimmer t1 t1w t2 t2w talus tangential
tarsal temporal tesla test testes testis thick thigh thin thorax thoracic throat thumb thyroid tibia time tir tmj toe toes
tof tomography tomosynthesis tongue total trachea tracking transverse trauma triple trufi tse tspine tumor tumour t-spine
ulna ultrasound unenhanced upper ureter urethra urinary uroradiology us uterus va vagina valve vascular vein veins
venogram venous ventral ventricle vertebra vertebrae vertebral vessel vessels vibe view views volume wall water weight
weighted whole window with without wrist x xr xray x-ray y z zygoma
`;
const ALLOWED = new Set(WORDS.trim().split(/\s+/));
/** A thickness, an angle, an echo time; nothing that could number a patient or date anything. */
const SMALL_NUMBER = /^\d{1,2}(\.\d)?(mm|cm|s|ms)?$/;

/** @returns what may stay, words separated by one space; empty when nothing may */
export function cleanText(text: string): string {
  const words = text
    .split(/[\s,;:/()[\]^=_+*|\\]+/)
    .filter((word) => ALLOWED.has(word.toLowerCase()) || isSmallNumber(word));
  // Side by side they are a date, or a number that somebody wrote in parts.
  const isAlone = (at: number): boolean =>
    ![words[at - 1], words[at + 1]].some((beside) => isSmallNumber(beside ?? ''));
  return words.filter((word, at) => !isSmallNumber(word) || isAlone(at)).join(' ');
}

const isSmallNumber = (word: string): boolean => SMALL_NUMBER.test(word.toLowerCase());
