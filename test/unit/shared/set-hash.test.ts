/** Digests of sets: no order, one step to add or take away. */
import t from 'tap';
import { EMPTY_SET_HASH, instanceHash, studyHash, toggleMember } from '../../../shared/set-hash.ts';

const members = ['1.2.3', '1.2.4', '1.2.5'].map((uid) => instanceHash(uid, 'ab'.repeat(32)));

t.test('the order of arrival does not show', async (t) => {
  const forward = members.reduce(toggleMember, EMPTY_SET_HASH);
  const backward = members.toReversed().reduce(toggleMember, EMPTY_SET_HASH);
  t.equal(forward, backward);
  t.match(forward, /^[0-9a-f]{64}$/);
});

t.test('taking a member away gives the digest of the rest', async (t) => {
  const [first = '', ...rest] = members;
  const all = members.reduce(toggleMember, EMPTY_SET_HASH);
  t.equal(toggleMember(all, first), rest.reduce(toggleMember, EMPTY_SET_HASH));
});

t.test('the same object with other content is another member', async (t) => {
  t.not(instanceHash('1.2.3', '00'.repeat(32)), instanceHash('1.2.3', '01'.repeat(32)));
});

t.test('a study differs by its home, its counts and its instances', async (t) => {
  const study = {
    studyInstanceUID: '1.2',
    home: 'RRK',
    setHash: EMPTY_SET_HASH,
    series: 1,
    instances: 2,
  };
  const digests = [
    study,
    { ...study, home: 'RJE' },
    { ...study, instances: 3 },
    { ...study, setHash: members[0] ?? '' },
  ].map(studyHash);
  t.equal(new Set(digests).size, 4);
});
