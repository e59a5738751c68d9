import { describe, expect, it } from 'vitest'
import { WardbookError } from '../kernel/errors.js'
import { problemOf } from './problem.js'

describe('an error as a problem', () => {
  it.each([
    ['retry', 503],
    ['fix-config', 400],
    ['fix-source', 502],
    ['shrink', 500],
    ['report-bug', 500],
  ] as const)('with remedy %s has status %i and keeps its code', (remedy, status) => {
    expect(problemOf(new WardbookError('some-code', remedy, 'message'))).toMatchObject({
      status,
      code: 'some-code',
    })
  })

  it('tells the caller what was wrong with the request', () => {
    const problem = problemOf(
      new WardbookError('bad-query', 'fix-config', "unknown parameter 'x'", { parameter: 'x' }),
    )
    expect(problem).toMatchObject({ detail: "unknown parameter 'x'", facts: { parameter: 'x' } })
  })

  it('keeps SQL and paths of our own faults to the log', () => {
    const problem = problemOf(
      new WardbookError('engine-failed', 'report-bug', 'near SELECT', { sql: 'SELECT secret' }),
    )
    expect(JSON.stringify(problem)).not.toMatch(/SELECT/)
    expect(problemOf(new Error('/srv/lake/x is gone')).code).toBe('unforeseen')
    expect(JSON.stringify(problemOf(new Error('/srv/lake/x is gone')))).not.toContain('/srv')
  })
})
