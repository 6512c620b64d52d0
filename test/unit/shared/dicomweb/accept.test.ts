/** Accept as DICOMweb clients write it. PS3.18 §8.7, RFC 9110 §12.5.1. */
import t from 'tap';
import { acceptedJson, acceptedTypes } from '../../../../shared/dicomweb/accept.ts';

t.test('the most wanted type comes first, and q=0 is not accepted', async (t) => {
  const types = acceptedTypes('image/jpeg;q=0.2, image/png, image/gif;q=0').map(({ type }) => type);
  t.strictSame(types, ['image/png', 'image/jpeg']);
});

t.test('a type in quotes may hold commas and semicolons', async (t) => {
  const [first, ...others] = acceptedTypes(
    'multipart/related; type="a/b;c=d,e"; transfer-syntax=*',
  );
  t.match(first, { isMultipart: true, type: 'a/b;c=d,e', transferSyntax: '*' });
  t.equal(others.length, 0);
});

t.test('JSON is what a client without wishes gets; XML is refused', async (t) => {
  t.equal(acceptedJson(undefined), 'application/dicom+json');
  t.equal(acceptedJson('application/json'), 'application/json');
  t.equal(acceptedJson('multipart/related; type="application/dicom+xml"'), undefined);
});
