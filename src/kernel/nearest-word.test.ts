import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editDistance, nearestWord } from './nearest-word.js'

const KNOWN = ['datasets', 'divisions', 'detect', 'parts', 'city']

describe('the word that was probably meant', () => {
  it.each([
    ['dataset', 'datasets'],
    ['Divisons', 'divisions'],
    ['detcet', 'detect'],
    ['part', 'parts'],
    ['cite', 'city'],
    ['datasets', 'datasets'],
  ])('for %s is %s', (typed, meant) => {
    expect(nearestWord(typed, KNOWN)).toBe(meant)
  })

  it.each(['', 'x', 'workflow', 'partition'])('is not guessed for %j', (typed) => {
    expect(nearestWord(typed, KNOWN)).toBeUndefined()
  })

  it('is none when none is known', () => {
    expect(nearestWord('city', [])).toBeUndefined()
  })

  it('is a known word itself, whatever else is known', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 }), (known) => {
        expect(nearestWord(known[0] as string, known)).toBe(known[0])
      }),
    )
  })
})

describe('the distance between two words', () => {
  const anyWord = fc.string({ maxLength: 8 })

  it('counts insertions, deletions and replacements', () => {
    expect([
      editDistance('kitten', 'sitting'),
      editDistance('', 'abc'),
      editDistance('flaw', 'lawn'),
    ]).toEqual([3, 3, 2])
  })

  it('is a metric: zero for equal words only, the same both ways, and no detour is shorter', () => {
    fc.assert(
      fc.property(anyWord, anyWord, anyWord, (a, b, c) => {
        expect(editDistance(a, b) === 0).toBe(a === b)
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c))
      }),
    )
  })
})
