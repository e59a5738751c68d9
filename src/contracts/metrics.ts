/** Metric: service requests opened on a day. */
export const REQUESTS = 'requests'
