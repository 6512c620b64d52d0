/** In which form frames are answered. PS3.18 §8.7.3. */
import t from 'tap';
import { chooseFrameForm } from '../../../../edge/dicomweb/choose-form.ts';

const J2K = '1.2.840.10008.1.2.4.90';
const EXPLICIT = '1.2.840.10008.1.2.1';
const choose = (accept: string | undefined, stored: string, canDecode = false): string => {
  const form = chooseFrameForm(accept, stored, canDecode);
  if (form === undefined) return 'none';
  return [
    form.isMultipart ? 'parts' : 'one',
    form.type,
    form.transferSyntaxUID,
    form.isDecoded,
  ].join(' ');
};

t.test('frames of native pixels are octets in little endian', async (t) => {
  const octets = `parts application/octet-stream ${EXPLICIT} false`;
  t.equal(
    choose('multipart/related; type=application/octet-stream; transfer-syntax=*', EXPLICIT),
    octets,
  );
  t.equal(choose(undefined, '1.2.840.10008.1.2.2'), octets);
  t.equal(choose('image/jpeg', EXPLICIT), 'none');
});

t.test(
  'compressed frames come as stored to whoever takes any transfer syntax, or names it',
  async (t) => {
    t.equal(
      choose('multipart/related; type="application/octet-stream"; transfer-syntax=*', J2K),
      `parts application/octet-stream ${J2K} false`,
    );
    t.equal(choose('multipart/related; type="image/jp2"', J2K), `parts image/jp2 ${J2K} false`);
    t.equal(choose('image/jp2', J2K), `one image/jp2 ${J2K} false`);
  },
);

t.test(
  'octets without a transfer syntax are decoded, or refused where there is no decoder',
  async (t) => {
    const accept = 'multipart/related; type="application/octet-stream"';
    t.equal(choose(accept, J2K, true), `parts application/octet-stream ${EXPLICIT} true`);
    t.equal(choose(accept, J2K, false), 'none');
  },
);
