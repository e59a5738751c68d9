import { describe, expect, it } from 'vitest'
import {
  asWardbookError,
  exitCodeOf,
  fromErrorRecord,
  type Remedy,
  toErrorRecord,
  WardbookError,
} from './errors.js'

describe('an error', () => {
  it('keeps code, remedy, message, facts and cause', () => {
    const cause = new Error('ENOSPC')
    const error = new WardbookError('store-unavailable', 'retry', 'the disk is full', { free: 0 }, { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'WardbookError',
      code: 'store-unavailable',
      remedy: 'retry',
      message: 'the disk is full',
      facts: { free: 0 },
      cause,
    })
  })

  it.each([
    ['retry', 75],
    ['fix-config', 78],
    ['fix-source', 65],
    ['shrink', 70],
    ['report-bug', 70],
  ] as const)('with remedy %s ends the process with code %d, as sysexits has it', (remedy: Remedy, code) => {
    expect(exitCodeOf(remedy)).toBe(code)
  })

  it('stays itself when it is one of ours', () => {
    const error = new WardbookError('bad-day', 'report-bug', 'no day')
    expect(asWardbookError(error)).toBe(error)
  })

  it.each([
    [new TypeError('no such property'), 'no such property'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
  ])('becomes unforeseen, with its cause, when nobody foresaw it: %s', (thrown, message) => {
    expect(asWardbookError(thrown)).toMatchObject({
      code: 'unforeseen',
      remedy: 'report-bug',
      message,
      cause: thrown,
    })
  })
})

describe('an error that crosses a border', () => {
  const cause = new Error('the place where it began')
  const error = new WardbookError(
    'part-too-large',
    'shrink',
    'too many rows',
    { rows: 5, keys: ['7'] },
    { cause },
  )

  it('arrives as it left: code, remedy, message, facts', () => {
    const { code, remedy, message, facts } = error
    expect(fromErrorRecord(overTheWire(error))).toMatchObject({ code, remedy, message, facts })
  })

  it('says where it began, however many borders it crosses', () => {
    let crossed: unknown = error
    for (let border = 0; border < 3; border++) crossed = fromErrorRecord(overTheWire(crossed))
    expect(((crossed as Error).cause as Error).stack).toBe(cause.stack)
    expect(overTheWire(crossed)).toEqual(overTheWire(error))
  })

  it('needs no stack', () => {
    expect(fromErrorRecord({ code: 'a', remedy: 'retry', message: 'm', facts: {} }).cause).toBeUndefined()
  })
})

function overTheWire(thrown: unknown) {
  return JSON.parse(JSON.stringify(toErrorRecord(thrown)))
}
