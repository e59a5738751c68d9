import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { WardbookError } from '../../kernel/errors.js'
import { Truth } from '../truth.js'

/**
 * Reads what is true of a simulated city.
 * @throws WardbookError 'truth-unusable' (fix-config) when there is no such file, or it is something else
 */
export async function readTruth(file: string): Promise<Truth> {
  const parsed = Truth.safeParse(await readJson(file))
  if (parsed.success) return parsed.data
  const issues = z.prettifyError(parsed.error).split('\n').slice(0, 6).join('\n')
  const message = `${file} is no truth of a simulated city of this release: write it anew, or name another with --truth\n${issues}`
  throw new WardbookError('truth-unusable', 'fix-config', message, { file }, { cause: parsed.error })
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `${file}, the truth of the simulated city, cannot be read: ${why}; name its file with --truth`
    throw new WardbookError('truth-unusable', 'fix-config', message, { file }, { cause })
  }
}
