/**
 * Reading of objects for storage, over shared/dicom: what the index keeps, in one pass while the object
 * streams in.
 *
 *   write(chunk) ─► DataSetReader ─► AttributeCollector ─► end(): InstanceAttributes
 */
import { openDataSetReader } from '../../shared/dicom/data-set-reader.ts';
import { encodePart10Head, readPart10Head } from '../../shared/dicom/part10.ts';
import { AttributeCollector } from './attribute-collector.ts';
import type { ObjectReading } from './object-reading.ts';

export const dicomReading: ObjectReading = {
  openReader(transferSyntaxUID) {
    const collector = new AttributeCollector();
    const reader = openDataSetReader(transferSyntaxUID, collector);
    return {
      write: (chunk) => reader.write(chunk),
      end() {
        const ended = reader.end();
        return typeof ended === 'number'
          ? collector.attributes()
          : ended.then(() => collector.attributes());
      },
      abort: () => reader.destroy(),
    };
  },
  fileHead: encodePart10Head,
  readHead: readPart10Head,
};
