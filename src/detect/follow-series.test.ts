import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FindingStep, followSeries, type Window } from './follow-series.js'

/** Windows by letter: `.` inside, `o` outside, `O` clearly outside (opens at once), `?` not tested. */
function windowsOf(letters: string): Window[] {
  return [...letters].map((letter) => ({
    tested: letter !== '?',
    outside: letter === 'o' || letter === 'O',
    qValue: letter === 'O' ? 0.01 : letter === 'o' ? 0.05 : 0.9,
    ratio: letter === 'O' ? 2 : letter === 'o' ? 1.5 : 1,
  }))
}

/** Steps as text: `new@2`, and the onset where it is another window. */
function stepsOf(letters: string): string {
  return followSeries(windowsOf(letters))
    .map(({ state, window, onset }) => `${state}@${window}${onset === window ? '' : `(${onset})`}`)
    .join(' ')
}

const anyLetters = fc
  .array(fc.constantFrom('.', '.', '.', 'o', 'o', 'O', '?'), { maxLength: 60 })
  .map((letters) => letters.join(''))

describe('following a series', () => {
  it('opens at once when q is at most 0.01 and the ratio at least 2', () => {
    expect(stepsOf('..O')).toBe('new@2')
    const [q, ratio] = [0.011, 1.99]
    const clear = { tested: true, outside: true, qValue: 0.01, ratio: 2 }
    expect(followSeries([{ ...clear, qValue: q }])).toEqual([])
    expect(followSeries([{ ...clear, ratio }])).toEqual([])
  })

  it('opens otherwise when two of the last three windows are outside, from the first of them on', () => {
    expect(stepsOf('.oo')).toBe('new@2(1)')
    expect(stepsOf('.o.o')).toBe('new@3(1)')
    expect(stepsOf('.o..o')).toBe('')
    expect(stepsOf('o')).toBe('')
  })

  it('goes on with every window outside and ends after two inside, one after the other', () => {
    expect(stepsOf('Oo.o..')).toBe('new@0 ongoing@1(0) ongoing@3(0) ended@5(0)')
    expect(stepsOf('O.')).toBe('new@0')
  })

  it('takes nothing from a window that was not tested', () => {
    expect(stepsOf('O.?.')).toBe('new@0 ended@3(0)')
    expect(stepsOf('O?????')).toBe('new@0')
    expect(stepsOf('O.?o')).toBe('new@0 ongoing@3(0)')
    expect(stepsOf('o??o')).toBe('')
  })

  it('returns under its old name within eight windows of its end, and is a new one later', () => {
    expect(stepsOf('O..O')).toBe('new@0 ended@2(0) returned@3(0)')
    expect(stepsOf('O.........O')).toBe('new@0 ended@2(0) returned@10(0)')
    expect(stepsOf('O..........O')).toBe('new@0 ended@2(0) new@11')
  })

  it('does not count windows before its end towards its return', () => {
    expect(stepsOf('Oo..o')).toBe('new@0 ongoing@1(0) ended@3(0)')
    expect(stepsOf('O..oo')).toBe('new@0 ended@2(0) returned@4(0)')
  })

  it('uses nothing of the future: the steps of a prefix are a prefix of the steps', () => {
    fc.assert(
      fc.property(anyLetters, fc.nat(60), (letters, cut) => {
        const all = followSeries(windowsOf(letters))
        const known = followSeries(windowsOf(letters.slice(0, cut)))
        expect(known).toEqual(all.filter(({ window }) => window < cut))
      }),
    )
  })

  it('tells whole lives: each begins new or returned, ends once, and leaves no window outside unsaid', () => {
    fc.assert(
      fc.property(anyLetters, (letters) => {
        const windows = windowsOf(letters)
        let open: FindingStep | undefined
        const said = new Set<number>()
        for (const step of followSeries(windows)) {
          expect(step.state === 'new' || step.state === 'returned').toBe(open === undefined)
          expect(step.onset).toBeLessThanOrEqual(step.since)
          expect(step.since).toBeLessThanOrEqual(step.lastOutside)
          expect(step.lastOutside).toBeLessThanOrEqual(step.window)
          expect(windows[step.window]?.tested).toBe(true)
          expect(windows[step.window]?.outside).toBe(step.state !== 'ended')
          expect(windows[step.since]?.outside && windows[step.lastOutside]?.outside).toBe(true)
          if (open !== undefined) expect([step.onset, step.since]).toEqual([open.onset, open.since])
          open = step.state === 'ended' ? undefined : step
          for (let at = step.since; at <= step.window; at++) said.add(at)
        }
        const clear = windows.flatMap((window, at) => (window.qValue <= 0.01 ? [at] : []))
        expect(clear.filter((at) => !said.has(at))).toEqual([])
      }),
    )
  })
})
