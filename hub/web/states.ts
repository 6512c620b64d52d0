/** The states of a fetch in words and colours for people. */
import type { FetchStateName } from '../../shared/contract/events.ts';

export interface StateWords {
  readonly word: string;
  /** What it means for who waits. */
  readonly meaning: string;
  /** Colour of the design system's tag. */
  readonly colour: string;
}

export const STATE_WORDS: Readonly<Record<FetchStateName, StateWords>> = {
  requested: { word: 'Requested', meaning: 'The order is recorded.', colour: 'white' },
  authorised: {
    word: 'Authorised',
    meaning: 'The order is allowed and is on its way to the receiving trust.',
    colour: 'white',
  },
  retrieving: {
    word: 'Retrieving',
    meaning: 'The holding trust is getting the images ready.',
    colour: 'blue',
  },
  transferring: { word: 'Transferring', meaning: 'Images are on their way.', colour: 'blue' },
  held: {
    word: 'Needs a patient',
    meaning: 'The images are here, but no local patient matches safely.',
    colour: 'orange',
  },
  coercing: {
    word: 'Filing',
    meaning: 'The images are given the local patient’s identifiers.',
    colour: 'blue',
  },
  delivering: { word: 'Delivering', meaning: 'Images are going into the PACS.', colour: 'blue' },
  available: { word: 'Available', meaning: 'All images are in the PACS.', colour: 'green' },
  partial: {
    word: 'Partly available',
    meaning: 'Some images are in the PACS. Those that are missing are listed below.',
    colour: 'orange',
  },
  failed: { word: 'Failed', meaning: 'The images could not be brought.', colour: 'red' },
  cancelled: { word: 'Cancelled', meaning: 'The fetch was cancelled.', colour: 'grey' },
  expired: {
    word: 'Expired',
    meaning: 'The copy was removed when its time was up.',
    colour: 'grey',
  },
};

/** The way of a fetch that meets no trouble, as it is drawn. */
export const USUAL_WAY: readonly FetchStateName[] = [
  'requested',
  'authorised',
  'retrieving',
  'transferring',
  'coercing',
  'delivering',
  'available',
];
