<?php
/**
 * Subscriptions to membership plans, for themes and other plugins.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy\Models;

defined( 'ABSPATH' ) || exit;

/**
 * Reads lrn_subscriptions.
 */
final class Subscription extends Model {

	/**
	 * A user's subscriptions that give access now, newest first.
	 *
	 * @param int $user_id User id.
	 * @return object[] With id, user_id, plan_id, status, period_end_at, created_at.
	 */
	public static function get_active_for_user( int $user_id ): array {
		if ( $user_id < 1 ) {
			return array();
		}
		return self::rows(
			"SELECT id, user_id, plan_id, status, period_end_at, created_at FROM {subscriptions}
			WHERE user_id = %d AND live_plan_id IS NOT NULL AND status <> 'paused' ORDER BY created_at DESC, id DESC LIMIT %d",
			array( $user_id, self::MOST ),
			array( 'id', 'user_id', 'plan_id' )
		);
	}
}
