<?php
/**
 * Membership plans, for themes and other plugins.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy\Models;

defined( 'ABSPATH' ) || exit;

/**
 * Reads lrn_membership_plans.
 */
final class MembershipPlan extends Model {

	const COLUMNS  = 'id, title, slug, status, price_minor, currency, billing_interval, billing_interval_count, trial_days, position';
	const INTEGERS = array( 'id', 'price_minor', 'billing_interval_count', 'trial_days', 'position' );

	/**
	 * One plan, whatever its status but the trash.
	 *
	 * @param int $id Plan id.
	 * @return object|null With at least id, title, slug, status.
	 */
	public static function find( int $id ): ?object {
		$rows = self::rows( 'SELECT ' . self::COLUMNS . ' FROM {membership_plans} WHERE id = %d AND deleted_at IS NULL', array( $id ), self::INTEGERS );
		return $rows ? $rows[0] : null;
	}

	/**
	 * The plans that can be bought, in the owner's order.
	 *
	 * @return object[]
	 */
	public static function get_active(): array {
		return self::rows(
			'SELECT ' . self::COLUMNS . " FROM {membership_plans} WHERE status = 'active' AND deleted_at IS NULL ORDER BY position, id LIMIT %d",
			array( self::MOST ),
			self::INTEGERS
		);
	}
}
