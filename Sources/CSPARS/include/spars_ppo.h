#ifndef SPARS_PPO_H
#define SPARS_PPO_H

#endif
