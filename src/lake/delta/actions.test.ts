import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Action, parseAction } from './actions.js'

const parse = (action: unknown): Action => parseAction(() => action, 'table', 'commit 1', 1)

/** The same action as the schema reads it: a line that says something else, too, is not read the quick way. */
function outcome(action: object): { add: unknown } | 'refused' {
  try {
    return { add: parse(action).add }
  } catch {
    return 'refused'
  }
}

const oddText = fc.oneof(
  fc.string(),
  fc.constantFrom('', '%', '%41', 'a/b.parquet', '{', '{}', '[]', 'null', '1'),
)
const oddValue = fc.oneof(
  oddText,
  fc.constantFrom(null, undefined, 0, 1.5, -1, Number.NaN, true, [], {}, [1]),
)
const strings = fc.dictionary(fc.string({ maxLength: 3 }), fc.oneof(oddText, fc.constant(null)), {
  maxKeys: 3,
})
const good = {
  ...{ path: 'division=7/part-0.parquet', partitionValues: { division: '7' }, size: 10, modificationTime: 1 },
  ...{ dataChange: true, stats: '{"numRecords":3}', tags: { sha256: 'ab' } },
}

describe('an add of the log', () => {
  it('is taken or refused as the schema says, whichever way it is read', () => {
    const names = fc.constantFrom(...Object.keys(good), 'deletionVector', 'other')
    const changed = fc
      .array(fc.tuple(names, fc.oneof(oddValue, strings)), { maxLength: 3 })
      .map((changes) => ({ ...good, ...Object.fromEntries(changes) }))
    fc.assert(
      fc.property(fc.oneof(changed, oddValue), (add) => {
        expect(outcome({ add })).toEqual(outcome({ add, commitInfo: {} }))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['path', ''],
    ['path', '%'],
    ['partitionValues', undefined],
    ['partitionValues', { division: 7 }],
    ['size', '10'],
    ['size', Number.NaN],
    ['modificationTime', null],
    ['dataChange', 'true'],
    ['stats', '{'],
    ['stats', '1'],
    ['tags', { sha256: 1 }],
    ['tags', []],
  ])('is refused with %s = %j', (name, value) => {
    expect(() => parse({ add: { ...good, [name]: value } })).toThrow(
      'table: commit 1, line 1 is no Delta action',
    )
  })

  it('keeps what it says besides', () => {
    const more = { ...good, baseRowId: 7 }
    expect(parse({ add: more })).toEqual({ add: more })
  })
})
