import { type CityCheck, checkCity, exitCodeOfCity } from '../main/check-city.js'
import type { CheckState } from '../main/doctor.js'
import { cityFolderOf, loadCityWithoutMaps } from '../main/load-city.js'
import type { Output } from './output.js'
import type { RunOptions } from './program.js'

const CHECK_WORDS: Record<CheckState, string> = {
  fit: 'ok',
  unfit: 'NOT OK',
  unreachable: 'NO ANSWER',
  told: 'note',
}
const WORD_WIDTH = Math.max(...Object.values(CHECK_WORDS).map((word) => word.length))

/** `wardbook city check`: one line a check. @returns 0 all fits, 65 or 78 something does not, 75 a portal gave no answer */
export async function runCityCheck(file: string, options: RunOptions, output: Output): Promise<number> {
  const city = await loadCityWithoutMaps(file) // what is wrong with a map is a check
  const { mirror, lake } = options
  const checks: CityCheck[] = []
  for await (const check of checkCity({ city, cityFolder: cityFolderOf(file), mirror, lake })) {
    checks.push(check)
    output.result(lineOf(check), { ...check })
  }
  return exitCodeOfCity(checks)
}

function lineOf({ dataset, source, boundary, check, state, message, todo }: CityCheck): string {
  const place = boundary === undefined ? `${dataset}/${source}` : `divisions ${boundary}`
  const line = `${CHECK_WORDS[state].padEnd(WORD_WIDTH)}  ${place}  ${check}: ${message}`
  return todo === undefined ? line : `${line} → ${todo}`
}
