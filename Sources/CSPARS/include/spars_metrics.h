#ifndef SPARS_METRICS_H
#define SPARS_METRICS_H

#endif
