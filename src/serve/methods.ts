import type { CityFile } from '../contracts/city-file.js'
import { catalogFor } from '../words/sentences.js'
import { metricsOf } from './counted-metrics.js'

/** One number that decides what becomes a finding. */
export interface MethodSetting {
  readonly setting: string
  readonly value: number
  readonly meaning: string
}

/** Columns of the settings, in order. */
export const SETTING_COLUMNS = [
  'setting',
  'value',
  'meaning',
] as const satisfies readonly (keyof MethodSetting)[]

/** The numbers of the city file that decide what becomes a finding. */
export function methodSettings(city: CityFile): MethodSetting[] {
  const { detect } = city
  const noun = catalogFor(city.city.locale).noun(...metricsOf(city))
  return [
    {
      setting: 'alpha',
      value: detect.alpha,
      meaning: 'Chance that a normal week falls above the upper limit.',
    },
    {
      setting: 'falseDiscoveryRate',
      value: detect.falseDiscoveryRate,
      meaning: 'Largest q-value of a week that counts as outside its range.',
    },
    {
      setting: 'minExcess',
      value: detect.minExcess,
      meaning: `Smallest excess over the expected count, ${noun.many} a week.`,
    },
    { setting: 'minRatio', value: detect.minRatio, meaning: 'Smallest ratio of observed to expected.' },
  ]
}
