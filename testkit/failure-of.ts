import { expect } from 'vitest'
import type { WardbookError } from '../src/kernel/errors.js'

/** The error that some work ends with; the test fails where it goes well. */
export async function failureOf(work: Promise<unknown>): Promise<WardbookError> {
  return work.then(
    (value) => expect.fail(`it went well: ${JSON.stringify(value)?.slice(0, 300)}`),
    (thrown) => thrown as WardbookError,
  )
}

/** Code, remedy and message of the error that some work ends with. */
export async function refusalOf(work: Promise<unknown>): Promise<[string, string, string]> {
  const { code, remedy, message } = await failureOf(work)
  return [code, remedy, message]
}
